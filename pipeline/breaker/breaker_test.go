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
		{event.StageMapping, ""}:       "events that cannot be read",
		{event.StageMapping, "order"}:  "rule order in mapping",
		{event.StageDelivery, "order"}: "rule order in delivery",
	} {
		if got := of.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestWhatNoRuleWantsStopsNothing: such events are dead letters because the configuration wants them to be.
func TestWhatNoRuleWantsStopsNothing(t *testing.T) {
	b := New(0.5)
	none := func(func(*Rule) bool) {}
	for i := range 1000 {
		failures := []event.Failure{{Stage: event.StageMapping, Reason: event.ReasonUnmatched}}
		if of := b.Mapped(Message{event.Origin{Offset: int64(i)}, none, failures}); of != nil {
			t.Fatalf("stopped over %s after %d events", of, i)
		}
	}
}
