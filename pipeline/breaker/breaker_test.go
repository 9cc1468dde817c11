package breaker

import (
	"testing"

	"github.com/ciobridge/ciobridge/event"
)

// TestAWindowForgetsTheOldest: only the last results count.
func TestAWindowForgetsTheOldest(t *testing.T) {
	w := &window{}
	for range Window {
		w.add(true)
	}
	for i := range Window {
		w.add(false)
		if want := Window - 1 - i; w.failed != want || w.seen != Window {
			t.Fatalf("%d of %d failed, want %d of %d", w.failed, w.seen, want, Window)
		}
	}
}

// TestTheStopSaysWhat: an event that cannot be read has no rule.
func TestTheStopSaysWhat(t *testing.T) {
	for of, want := range map[Subject]string{
		{event.StageMapping, "", "t"}:      "events of t that cannot be read",
		{event.StageMapping, "order", ""}:  "rule order in mapping",
		{event.StageDelivery, "order", ""}: "rule order in delivery",
	} {
		if got := of.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestWhatNoRuleWantsStopsNothing: such events are dead letters because the configuration wants them to be.
func TestWhatNoRuleWantsStopsNothing(t *testing.T) {
	b := New(0.5, nil)
	none := func(func(*Rule) bool) {}
	for i := range 3000 {
		reason := []event.Reason{event.ReasonUnmatched, event.ReasonErased, event.ReasonTooLate}[i%3]
		failures := []event.Failure{{Stage: event.StageMapping, Rule: "r", Reason: reason}}
		if of := b.Mapped(Message{event.Origin{Offset: int64(i)}, none, failures}); of != nil {
			t.Fatalf("stopped over %s after %d events", of, i)
		}
	}
}

// A list in which some events are bad is no failure, one in which most are is; so it is for the calls of a rule.
func TestAListFailsWithMostOfItsEvents(t *testing.T) {
	step := &event.Step{Rule: "order"}
	for name, c := range map[string]struct {
		calls    int
		failures []event.Failure
		stops    string
	}{
		"one of several":                    {5, []event.Failure{{Item: 3}}, ""},
		"one of several that no rule wants": {0, []event.Failure{{Item: 5}}, ""},
		"most": {1, []event.Failure{{Item: 1}, {Item: 2}, {Item: 3}},
			"events of  that cannot be read"},
		"the record":         {0, []event.Failure{{}}, "events of  that cannot be read"},
		"one call of a rule": {3, []event.Failure{{Item: 2, Rule: "order"}}, ""},
		"most calls of a rule": {1, []event.Failure{{Item: 2, Rule: "order"}, {Item: 3, Rule: "order"}},
			"rule order in mapping"},
	} {
		b := New(0.5, nil)
		rules := func(yield func(*Rule) bool) {
			for range c.calls {
				if !yield(b.Rule(step)) {
					return
				}
			}
		}
		for i := range c.failures {
			c.failures[i].Stage, c.failures[i].Reason = event.StageMapping, event.ReasonRuleError
		}
		stops := ""
		for i := range 1000 {
			if of := b.Mapped(Message{event.Origin{Offset: int64(i)}, rules, c.failures}); of != nil {
				stops = of.String()
			}
		}
		if stops != c.stops {
			t.Errorf("%s: stopped over %q, want %q", name, stops, c.stops)
		}
	}
}

// Rules that are taken up begin without results: neither what others with the same names gave before counts for them,
// nor what those still give. What a topic gave goes on counting.
func TestChangedRulesCountFromNothing(t *testing.T) {
	b := New(0.5, nil)
	old := event.Step{Rule: "r", Rules: "1"}
	earlier, another := b.Rule(&old), old
	for range 60 {
		b.OneMapped("t", earlier)
	}
	b.Changed("2")
	if len(b.rules) != 0 || b.last != nil {
		t.Error("steps are kept")
	}
	b.OneMapped("t", earlier)
	b.OneMapped("t", b.Rule(&another))
	later := b.Rule(&event.Step{Rule: "r", Rules: "2"})
	if n := b.eventsOf("t").seen; later.mapping.seen != 0 || n != 62 {
		t.Errorf("%d results are known of the rule, %d of the topic", later.mapping.seen, n)
	}
	fail := func(hash string, n int) (of *Subject) {
		failures := []event.Failure{{Stage: event.StageMapping, Reason: event.ReasonRuleError, Rule: "r", Rules: hash}}
		for i := range n {
			of = b.Mapped(Message{event.Origin{Offset: int64(i + 1)}, func(func(*Rule) bool) {}, failures})
		}
		return of
	}
	if of := fail("1", Window); of != nil || later.mapping.seen != 0 {
		t.Errorf("stopped over %s of before", of)
	}
	if of := fail("2", LeastResults); of == nil {
		t.Error("not stopped over what fails of the rules in use")
	}
}
