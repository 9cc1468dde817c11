package erasure

import (
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// at is a place of topic t, partition 0.
func at(offset int64, after time.Duration) Place {
	return Place{Topic: "t", Offset: offset, Time: noon.Add(after)}
}

func TestPlaces(t *testing.T) {
	fence := at(10, 0)
	fence.Item = 2
	other := func(after time.Duration) Place { return Place{Topic: "u", Offset: 1, Time: noon.Add(after)} }
	item := func(offset int64, n int32) Place { p := at(offset, 0); p.Item = n; return p }
	anew := at(3, 0)
	anew.stored = noon.Add(25 * time.Hour)
	skewed := at(3, 0)
	skewed.stored = noon.Add(23 * time.Hour)
	for name, c := range map[string]struct {
		place Place
		want  relation
	}{
		"an offset before, with a later time":      {at(9, time.Hour), earlier},
		"an offset behind, with an earlier time":   {at(11, -time.Hour), later},
		"the event itself":                         {item(10, 2), same},
		"an event before in its message":           {item(10, 1), earlier},
		"an event behind in its message":           {item(10, 3), later},
		"another topic, earlier":                   {other(-time.Hour), earlier},
		"another topic, at the same time":          {other(0), earlier},
		"another topic, later within the skew":     {other(time.Minute), earlier},
		"another topic, later":                     {other(61 * time.Second), later},
		"another topic, without a time":            {Place{Topic: "u"}, earlier},
		"a log that was made anew":                 {withTime(anew, noon.Add(25*time.Hour)), later},
		"a clock that is wrong by less than a day": {withTime(skewed, noon.Add(23*time.Hour)), earlier},
		"an old event in a log that was made anew": {withTime(anew, noon.Add(-time.Hour)), earlier},
		"another partition of the topic, and later": {
			Place{Topic: "t", Partition: 1, Time: noon.Add(2 * time.Hour)}, later},
	} {
		if got := c.place.to(fence, time.Minute); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func withTime(p Place, at time.Time) Place {
	p.Time = at
	return p
}

// A deletion that tells when it was asked for, days before, is not earlier than what its log had by then.
func TestAnErasureIsAsLateAsItsMessage(t *testing.T) {
	call := event.Call{About: &event.About{Origin: event.Origin{Topic: "t", Subject: "t.1", Partition: 3, Offset: 7},
		Time: noon.Add(-72 * time.Hour), Stored: noon}}
	if p := placeOf(&call).erasedAt(noon.Add(time.Second)); !p.Time.Equal(noon) || p.Partition != 0 {
		t.Errorf("got %+v", p)
	}
	if p := (Place{Topic: "t"}).erasedAt(noon); !p.Time.Equal(noon) {
		t.Errorf("without any time: %+v", p)
	}
}

// TestFences follows fences through what may come, in the order in which it comes.
func TestFences(t *testing.T) {
	pass, revives := &event.Step{}, &event.Step{Revives: true}
	del, sup := &event.Step{Fence: event.DeleteFence}, &event.Step{Fence: event.SuppressFence}
	lift := &event.Step{Fence: event.LiftFence}
	type step struct {
		step   *event.Step
		offset int64
		want   verdict
		accept bool
	}
	for name, steps := range map[string][]step{
		"nobody was erased": {{pass, 1, send, false}, {revives, 2, send, false}, {lift, 3, send, false}},
		"a deletion": {{del, 5, raise, false}, {pass, 4, tooEarly, false}, {revives, 4, tooEarly, false},
			{pass, 5, notRevive, false}, {revives, 5, notRevive, false}, {pass, 6, notRevive, false},
			{lift, 6, send, false}, {pass, 7, notRevive, false}, {revives, 8, raise, false}, {pass, 9, send, false},
			{pass, 6, send, false}, {pass, 4, tooEarly, false}},
		"a deletion that comes again": {{del, 5, raise, false}, {del, 5, send, true}, {del, 5, done, false},
			{revives, 8, raise, false}, {del, 5, done, false}, {pass, 9, send, false}},
		"an older deletion that was never sent": {{del, 5, raise, true}, {del, 3, done, false}},
		"an older deletion before the newer":    {{del, 5, raise, false}, {del, 3, send, false}},
		"two deletions": {{del, 5, raise, true}, {revives, 6, raise, false}, {del, 8, raise, false},
			{revives, 7, tooEarly, false}, {pass, 9, notRevive, false}, {del, 8, send, true}, {del, 8, done, false}},
		"a suppression": {{sup, 5, raise, true}, {revives, 6, notRevive, false}, {lift, 4, tooEarly, false},
			{lift, 7, raise, false}, {pass, 8, send, false}, {pass, 4, tooEarly, false}, {sup, 5, done, false}},
		"a suppression of somebody deleted": {{del, 5, raise, true}, {sup, 6, raise, true}, {lift, 7, raise, false},
			{pass, 8, notRevive, false}, {revives, 9, raise, false}, {pass, 10, send, false}},
		"a suppression before a deletion": {{del, 5, raise, true}, {sup, 4, send, false}},
		"a deletion and a suppression by one event": {{del, 5, raise, true}, {sup, 5, raise, true},
			{del, 5, done, false}, {sup, 5, done, false}, {revives, 6, notRevive, false}, {lift, 7, raise, false},
			{pass, 8, notRevive, false}, {revives, 9, raise, false}, {del, 5, done, false}, {sup, 5, done, false}},
		"one that comes back before it was accepted": {{del, 5, raise, false}, {revives, 6, raise, false},
			{del, 5, send, true}, {pass, 7, send, false}},
		"in the other order": {{sup, 5, raise, true}, {del, 5, raise, false}, {del, 5, send, true},
			{del, 5, done, false}, {del, 4, done, false}},
	} {
		var f Fence
		known := false
		for i, s := range steps {
			got, next := f.judge(known, s.step, at(s.offset, 0), noon, time.Minute)
			if got != s.want {
				t.Errorf("%s: %d: %d, want %d", name, i, got, s.want)
			}
			if got == raise {
				f, known = next, true
			}
			if s.accept {
				f = f.take(s.step == sup, at(s.offset, 0))
			}
			if r, err := encode(Digest{1}, f); known {
				if _, back, errBack := decode(r); err != nil || errBack != nil || !back.same(f) {
					t.Errorf("%s: %d: stored as %s, read as %+v (%v, %v)", name, i, r.Value, back, err, errBack)
				}
			}
		}
	}
}

// Of two fences that replicas wrote at once the later erasure counts, in whichever order they were stored.
func TestTwoFencesOfOnePerson(t *testing.T) {
	a := Fence{Erased: at(5, 0), Deleted: true}
	b := Fence{Erased: Place{Topic: "u", Time: noon.Add(time.Hour)}, Deleted: true}
	if got := newer(a, b); !got.same(b) {
		t.Errorf("got %+v", got)
	}
	if got := newer(b, a); !got.same(b) {
		t.Errorf("in the other order: %+v", got)
	}
	lifted := a
	lifted.Deleted, lifted.Version = false, 1
	if got := newer(a, lifted); !got.same(lifted) {
		t.Errorf("lifted: %+v", got)
	}
	if got := newer(lifted, a); !got.same(lifted) {
		t.Errorf("what comes after it was overtaken: %+v", got)
	}
}
