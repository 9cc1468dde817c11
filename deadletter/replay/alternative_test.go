package replay

import (
	"slices"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
)

// choices are rules that let the event choose, for itself and for each of its items, with one more step for either.
func choices(t *testing.T, more, moreOfItems string) *mapping.Rules {
	t.Helper()
	return compiled(t, `
rules:
  - name: sync
    event: sync
    do:
      - track: {person: .user, name: seen}
      - action: .op
        any_of: [unsuppress: {person: .user}, `+more+`]
      - action: $item.op
        each: .items[]
        call: items
        any_of: [pageview: {person: $item.id, name: x}, `+moreOfItems+`]
`)
}

// A letter of a choice asks for what the rules of today choose: of an item for that of the item, and of no item for all
// that the choice makes. It has the identity that a live event gives it. Where the rules choose nothing it fails again.
func TestALetterOfAChoiceIsReplayed(t *testing.T) {
	m := event.Message{Origin: event.Origin{Topic: "t", Offset: 7}, Time: time.UnixMilli(1_790_000_000_000)}
	m.Value = []byte(`{"type":"sync","user":"u","op":"add","items":[{"id":"a","op":"add"},{"id":"b","op":"pageview"},` +
		`{"id":"c","op":"add"}]}`)
	before := choices(t, "screen: {person: .user, name: w}", "screen: {person: .user, name: z}")
	delivered, failed := before.Map(&m)
	if len(delivered) != 2 || len(failed) != 3 {
		t.Fatalf("%v %v", delivered, failed)
	}
	for name, c := range map[string]struct {
		more string
		want [3]int // calls of each letter
	}{
		"one call":       {"{track: {person: .user, name: added}, is: add}", [3]int{1, 1, 1}},
		"no other words": {"{track: {person: .user, name: added}, is: other}", [3]int{}},
	} {
		rules := choices(t, c.more, c.more)
		live, liveFailed := rules.Map(&m)
		for i, l := range storedLetters(t, m, failed) {
			m.Ref = newReplayedEvent([]*deadletter.Letter{l})
			calls, failures := (&Mapper{rules: rules}).Map(&m)
			if len(calls) != c.want[i] || len(calls)+len(failures) != 1 {
				t.Errorf("%s: letter %d: %d calls, failures %+v", name, i, len(calls), failures)
				continue
			}
			for _, call := range calls {
				isLive := func(l event.Call) bool { return l.ID == call.ID && string(l.Body) == string(call.Body) }
				wasSent := func(d event.Call) bool { return d.ID == call.ID }
				if !slices.ContainsFunc(live, isLive) || slices.ContainsFunc(delivered, wasSent) {
					t.Errorf("%s: letter %d sends %s %s", name, i, call.ID, call.Body)
				}
			}
			for _, f := range failures {
				if f.ID != l.ID() || f.ID != liveFailed[i].ID {
					t.Errorf("%s: letter %d fails again as %+v", name, i, f)
				}
			}
		}
	}
}

// A choice that now has a list of its own is asked for all of its items, and so is one whose list had failed.
func TestALetterOfAWholeChoiceAsksForAllOfItsCalls(t *testing.T) {
	m := event.Message{Origin: event.Origin{Topic: "t", Offset: 7}, Time: time.UnixMilli(1_790_000_000_000)}
	m.Value = []byte(`{"type":"sync","user":"u","op":"add","list":["a","b"],"items":[{"id":"a","op":"pageview"},` +
		`{"id":"b","op":"pageview"}]}`)
	_, failed := choices(t, "screen: {person: .user, name: w}", "screen: {person: .user, name: z}").Map(&m)
	if len(failed) != 1 {
		t.Fatalf("%v", failed)
	}
	m.Ref = newReplayedEvent(storedLetters(t, m, failed))
	rules := choices(t, "{track: {person: $item, name: w}, each: '.list[]', is: add}", "delete: {person: $item.id}")
	if calls, _ := (&Mapper{rules: rules}).Map(&m); len(calls) != 2 || calls[0].Step.Call != "track:w" ||
		calls[1].Step.Call != "track:w" {
		t.Errorf("two calls of a list: %v", calls)
	}
	list := failed[0]
	list.Call, list.Field = "items", "each"
	m.Ref = newReplayedEvent(storedLetters(t, m, []event.Failure{list}))
	if calls, _ := (&Mapper{rules: rules}).Map(&m); len(calls) != 2 || calls[1].Step.Call != "pageview:x" {
		t.Errorf("of a list: %v", calls)
	}
}
