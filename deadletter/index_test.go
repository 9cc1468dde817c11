package deadletter

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/event"
)

// memory is a log of records for tests.
type memory []Record

func (m memory) Scan(_ context.Context, each func(Record) error) error {
	for _, r := range m {
		if err := each(r); err != nil {
			return err
		}
	}
	return nil
}

func (m memory) Read(_ context.Context, at Position) (Record, error) {
	for _, r := range m {
		if r.Position == at {
			return r, nil
		}
	}
	return Record{}, ErrGone
}

// listed returns the identities of the open letters that a filter chooses, in order.
func listed(t *testing.T, log Reader, f Filter) []event.ID {
	t.Helper()
	var ids []event.ID
	for l, err := range List(t.Context(), log, f) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, l.ID())
	}
	return ids
}

// randomLog writes letters and resolutions at random into partitions, and says what a reader of the true history would
// know.
func randomLog(r *rand.Rand) (log memory, newest map[event.ID]*event.FailedMessage) {
	const partitions, ids = 3, 12
	newest = map[event.ID]*event.FailedMessage{}
	byPartition := make([]memory, partitions)
	for step := range r.IntN(60) {
		n := r.IntN(ids)
		now := lettertest.Time.Add(time.Duration(step) * time.Second)
		l := lettertest.Failed(n)
		partition := n % partitions
		if step > 40 {
			partition = (n + 1) % partitions // the topic was given more partitions
		}
		var rec Record
		if r.IntN(3) == 0 {
			res := Resolution{Letters: []event.ID{l.Failures[0].ID}, Kind: Delivered}
			if r.IntN(2) == 0 { // the other half is as older versions wrote them
				res.EventID = EventID(&l.Message)
			}
			rec = EncodeResolution(&res, now)
			delete(newest, l.Failures[0].ID)
		} else {
			l.Failures[0].Attempts = step
			l.Failures[0].Reason = event.Reasons()[r.IntN(3)]
			rec = Encode(&l, now, "")
			newest[l.Failures[0].ID] = &l
		}
		rec.Position = Position{Partition: int32(partition), Offset: int64(len(byPartition[partition]))}
		byPartition[partition] = append(byPartition[partition], rec)
	}
	r.Shuffle(partitions, func(i, j int) { byPartition[i], byPartition[j] = byPartition[j], byPartition[i] })
	return slices.Concat(byPartition...), newest
}

func TestTheIndexIsTheNewestOfEachLetter(t *testing.T) {
	for seed := range uint64(500) {
		log, newest := randomLog(rand.New(rand.NewPCG(seed, 1)))
		open := 0
		last := map[int32]int64{}
		for l, err := range List(t.Context(), log, Filter{All: true}) {
			if err != nil {
				t.Fatal(err)
			}
			open++
			want := newest[l.ID()]
			if want == nil || want.Failures[0].Attempts != l.Failure.Attempts {
				t.Fatalf("seed %d: listed %+v, want %+v", seed, l.Failure, want)
			}
			o := l.Message.Origin
			if at, ok := last[o.Partition]; ok && at > o.Offset {
				t.Fatalf("seed %d: partition %d: %d comes after %d", seed, o.Partition, o.Offset, at)
			}
			last[o.Partition] = o.Offset
		}
		if open != len(newest) {
			t.Fatalf("seed %d: %d letters are open, want %d", seed, open, len(newest))
		}
		sum, err := Stats(t.Context(), log)
		reasons := 0
		for _, n := range sum.ByReason {
			reasons += n
		}
		if err != nil || sum.Open != open || reasons != open || sum.ByTopic["shop.orders"] != open ||
			sum.ByRule["order"] != open {
			t.Fatalf("seed %d: %+v, %v", seed, sum, err)
		}
	}
}

func TestLettersComeInTheOrderOfTheirEvents(t *testing.T) {
	var log memory
	put := func(partition int32, offset int64) {
		l := lettertest.Failed(int(100*int64(partition) + offset))
		l.Message.Origin.Partition, l.Message.Origin.Offset = partition, offset
		r := Encode(&l, lettertest.Time, "")
		r.Position.Offset = int64(len(log))
		log = append(log, r)
	}
	put(1, 5) // fails while it is mapped, before the calls of earlier events have been sent
	put(0, 1)
	put(1, 3)
	put(0, 2)
	put(1, 4)
	put(0, 1) // written again by a replay
	var got []string
	for l := range List(t.Context(), log, Filter{All: true}) {
		got = append(got, fmt.Sprintf("%d@%d", l.Message.Origin.Partition, l.Message.Origin.Offset))
	}
	if s := strings.Join(got, " "); s != "1@3 1@4 0@1 1@5 0@2" {
		t.Errorf("got %s", s)
	}
	if n := len(listed(t, log, Filter{All: true, Limit: 2})); n != 2 {
		t.Errorf("a limit of 2 gives %d", n)
	}
}

func TestFilters(t *testing.T) {
	var log memory
	for n := range 10 {
		l := lettertest.Failed(n)
		l.Failures[0].First = lettertest.Time.Add(time.Duration(n) * time.Minute)
		if n >= 5 {
			l.Failures[0].Reason, l.Failures[0].Rule = event.ReasonNoType, ""
		}
		r := Encode(&l, lettertest.Time, "")
		r.Position.Offset = int64(n)
		log = append(log, r)
	}
	log = append(log, Record{Value: []byte("foreign"), Position: Position{Offset: 99}})
	at := func(n int) time.Time { return lettertest.Time.Add(time.Duration(n) * time.Minute) }
	offset := func(n int64) *int64 { return &n }
	one := int32(1)
	inspect := func(m event.Message, _ int) (string, time.Time, error) {
		if m.Origin.Offset%2 == 0 {
			return "even", at(0), nil
		}
		return "odd", at(int(m.Origin.Offset)), nil
	}
	for name, c := range map[string]struct {
		filter Filter
		want   int
	}{
		"all":          {Filter{All: true}, 10},
		"id":           {Filter{IDs: []event.ID{lettertest.ID(3), lettertest.ID(77)}}, 1},
		"reason":       {Filter{Reasons: []event.Reason{event.ReasonNoType}}, 5},
		"rule":         {Filter{Rules: []string{"order"}}, 5},
		"no rule":      {Filter{Rules: []string{""}}, 5},
		"topic":        {Filter{Topic: "shop.orders"}, 10},
		"other topic":  {Filter{Topic: "x"}, 0},
		"partition":    {Filter{Topic: "shop.orders", Partition: &one}, 3},
		"offsets":      {Filter{Topic: "shop.orders", OffsetFrom: offset(2), OffsetTo: offset(4)}, 3},
		"failed":       {Filter{FailedFrom: at(2), FailedTo: at(4)}, 2},
		"broker time":  {Filter{EventTo: lettertest.Time.Add(3 * time.Second)}, 3},
		"type":         {Filter{Types: []string{"odd"}, Inspect: inspect}, 5},
		"event time":   {Filter{EventFrom: at(4), Inspect: inspect}, 3},
		"reason, rule": {Filter{Reasons: []event.Reason{event.ReasonNoType}, Rules: []string{"order"}}, 0},
	} {
		if got := listed(t, log, c.filter); len(got) != c.want {
			t.Errorf("%s: %d letters, want %d", name, len(got), c.want)
		}
	}
	sum, err := Stats(t.Context(), log)
	if err != nil || sum.Unreadable != 1 || !sum.Oldest.Equal(at(0)) || !sum.Newest.Equal(at(9)) {
		t.Errorf("got %+v, %v", sum, err)
	}
}

func TestFiltersReportTheirMistakes(t *testing.T) {
	offset := func(n int64) *int64 { return &n }
	one := int32(1)
	for name, c := range map[string]struct {
		filter Filter
		want   string
	}{
		"nothing":      {Filter{}, "choose letters"},
		"all and some": {Filter{All: true, Topic: "x"}, "and not both"},
		"reason":       {Filter{Reasons: []event.Reason{"x"}}, "reason"},
		"type":         {Filter{Types: []string{"x"}}, "type"},
		"partition":    {Filter{All: true, Partition: &one}, "needs a topic"},
		"offsets":      {Filter{Topic: "a", OffsetFrom: offset(2), OffsetTo: offset(1)}, "behind the last"},
		"range":        {Filter{FailedFrom: lettertest.Time, FailedTo: lettertest.Time}, "is empty"},
		"limit":        {Filter{All: true, Limit: -1}, "negative"},
	} {
		if err := c.filter.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A filter by key and by what an event concerns asks once for the letters of one event.
func TestFilterByKeyAndEvent(t *testing.T) {
	m := event.Message{Key: []byte("k_1"), Value: []byte("{}")}
	l := &Letter{Message: m}
	for _, c := range []struct {
		filter Filter
		want   bool
	}{
		{Filter{Keys: []string{"k_1"}}, true},
		{Filter{Keys: []string{"x", "k_1"}}, true},
		{Filter{Keys: []string{"k_11"}}, false},
		{Filter{Concerns: func(event.Message, int) (bool, error) { return true, nil }}, true},
		{Filter{Concerns: func(event.Message, int) (bool, error) { return false, nil }}, false},
		{Filter{Keys: []string{"x"}, Concerns: func(event.Message, int) (bool, error) { return true, nil }}, false},
		{Filter{Wants: func(got *Letter) (bool, error) { return got == l, nil }}, true},
		{Filter{Keys: []string{"k_1"}, Wants: func(*Letter) (bool, error) { return false, nil }}, false},
		{Filter{Concerns: func(event.Message, int) (bool, error) { return false, nil },
			Wants: func(*Letter) (bool, error) { return true, nil }}, false},
	} {
		if err := c.filter.Validate(); err != nil {
			t.Errorf("%+v: %v", c.filter, err)
		}
		if got, err := c.filter.Match(l); got != c.want || err != nil {
			t.Errorf("%v, %t: %t, %v", c.filter.Keys, c.filter.Concerns != nil, got, err)
		}
	}
	none := Filter{Keys: []string{""}}
	if got, err := none.Match(&Letter{}); got || err != nil {
		t.Errorf("a record without a key has an empty one: %v", err)
	}
}

// Where an event cannot be looked at now, nothing is chosen, and nothing is done to what was chosen before it.
func TestAFilterThatFailsChoosesNothing(t *testing.T) {
	var log memory
	for n := range 4 {
		l := lettertest.Failed(n)
		r := Encode(&l, lettertest.Time, "")
		r.Position.Offset = int64(n)
		log = append(log, r)
	}
	away := errors.New("away")
	for name, f := range map[string]Filter{
		"inspect": {Types: []string{"even"}, Inspect: func(m event.Message, _ int) (string, time.Time, error) {
			if m.Origin.Offset == 2 {
				return "", m.Time, away
			}
			return "even", m.Time, nil
		}},
		"concerns": {Concerns: func(m event.Message, _ int) (bool, error) {
			if m.Origin.Offset == 2 {
				return false, away
			}
			return true, nil
		}},
	} {
		for l, err := range List(t.Context(), log, f) {
			if l != nil || !errors.Is(err, away) {
				t.Errorf("%s: listed %v, %v", name, l, err)
			}
		}
		n, err := Purge(t.Context(), &purged{memory: log}, f, true, false)
		if n != (Purged{}) || !errors.Is(err, away) {
			t.Errorf("%s: purged %+v, %v", name, n, err)
		}
	}
}

// purged is a log from which nothing may be removed.
type purged struct{ memory }

func (*purged) Remove(_ context.Context, records ...Seen) error {
	if len(records) > 0 {
		return fmt.Errorf("%d records are removed", len(records))
	}
	return nil
}
