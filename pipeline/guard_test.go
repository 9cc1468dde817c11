package pipeline

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// TestNothingPassesACallForWhichTheFlowStopped: it is not settled, so its person's later calls must not leave.
func TestNothingPassesACallForWhichTheFlowStopped(t *testing.T) {
	refuse := func(_ context.Context, calls []event.Call) []event.Outcome {
		out := make([]event.Outcome, len(calls))
		for i := range out {
			out[i].Verdict = event.Refused
		}
		return out
	}
	c := DefaultConfig()
	onBench(t, c, refuse, func(b *bench) {
		l := newTestLease()
		for i := range 2 * guardLeast {
			b.must(l, 0, fmt.Sprintf("p %d identify", i))
		}
		b.pass(time.Hour)
		if len(b.sent) != guardLeast || len(b.letters.letters) != guardLeast-1 || len(b.done) != guardLeast-1 {
			t.Errorf("%d sent, %d letters, %d done", len(b.sent), len(b.letters.letters), len(b.done))
		}
		if !l.End(time.Second) {
			t.Error("the stopped flow does not let its lease go")
		}
	})
}

// TestSkippedEventsAreRead: events that no rule wants show that the topic can be read, as those do that a rule takes.
func TestSkippedEventsAreRead(t *testing.T) {
	onBench(t, DefaultConfig(), nil, func(b *bench) {
		l := newTestLease()
		time.AfterFunc(time.Hour, func() { l.Revoke(0) }) // which a stopped flow waits for
		for i := range 10 * guardLeast {
			kind := []string{"skip", "track"}[i/(5*guardLeast)]
			if i%5 == 0 {
				kind = "unreadable"
			}
			b.must(l, int32(i%5), fmt.Sprintf("p %d %s", i, kind))
		}
		b.pass(time.Minute)
		if b.p.guard.stopped != nil || len(b.letters.letters) != 2*guardLeast {
			t.Errorf("stopped for %v with %d letters", b.p.guard.stopped, len(b.letters.letters))
		}
		l.End(0)
	})
}

// TestRecordForgetsTheOldest: only the last results count.
func TestRecordForgetsTheOldest(t *testing.T) {
	r := &record{}
	for range guardWindow {
		r.add(true)
	}
	for i := range guardWindow {
		r.add(false)
		if want := guardWindow - 1 - i; r.failed != want || r.seen != guardWindow {
			t.Fatalf("%d of %d failed, want %d of %d", r.failed, r.seen, want, guardWindow)
		}
	}
}
