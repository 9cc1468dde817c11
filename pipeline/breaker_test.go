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
			out[i].Result = event.Refused
		}
		return out
	}
	c := DefaultConfig(testLimits)
	onBench(t, c, refuse, func(b *bench) {
		l := newTestLease()
		for i := range 2 * leastResults {
			b.must(l, 0, fmt.Sprintf("p %d identify", i))
		}
		b.pass(time.Hour)
		if len(b.sent) != leastResults || len(b.letters.letters) != leastResults-1 || len(b.done) != leastResults-1 {
			t.Errorf("%d sent, %d letters, %d done", len(b.sent), len(b.letters.letters), len(b.done))
		}
		if !l.End(time.Second) {
			t.Error("the stopped flow does not let its lease go")
		}
	})
}

// TestSkippedEventsAreRead: events that no rule wants show that the topic can be read, as those do that a rule takes.
func TestSkippedEventsAreRead(t *testing.T) {
	onBench(t, DefaultConfig(testLimits), nil, func(b *bench) {
		l := newTestLease()
		time.AfterFunc(time.Hour, func() { l.Revoke(0) }) // which a stopped flow waits for
		for i := range 10 * leastResults {
			kind := []string{"skip", "track"}[i/(5*leastResults)]
			if i%5 == 0 {
				kind = "unreadable"
			}
			b.must(l, int32(i%5), fmt.Sprintf("p %d %s", i, kind))
		}
		b.pass(time.Minute)
		if b.p.breaker.stopped != nil || len(b.letters.letters) != 2*leastResults {
			t.Errorf("stopped for %v with %d letters", b.p.breaker.stopped, len(b.letters.letters))
		}
		l.End(0)
	})
}

// TestRecordForgetsTheOldest: only the last results count.
func TestRecordForgetsTheOldest(t *testing.T) {
	r := &window{}
	for range windowSize {
		r.add(true)
	}
	for i := range windowSize {
		r.add(false)
		if want := windowSize - 1 - i; r.failed != want || r.seen != windowSize {
			t.Fatalf("%d of %d failed, want %d of %d", r.failed, r.seen, want, windowSize)
		}
	}
}

// TestOneEventDoesNotStopTheFlow, however many of its calls fail, neither while it is mapped nor at Customer.io, and each such event has
// one letter.
func TestOneEventDoesNotStopTheFlow(t *testing.T) {
	onBench(t, DefaultConfig(testLimits), refuseSome(0), func(b *bench) {
		l := newTestLease()
		time.AfterFunc(time.Hour, func() { l.Revoke(0) }) // which a stopped flow waits for
		for i := range 3 * leastResults {
			b.must(l, 0, fmt.Sprintf("p%d %d track", i, i))
		}
		b.pass(time.Second)
		b.must(l, 0, "p 1 items")
		b.must(l, 0, "p 2 crowd")
		b.must(l, 0, "p 3 items")
		b.pass(time.Second)
		b.must(l, 0, "p 4 track")
		b.pass(time.Minute)
		if err := b.p.Stopped(); err != nil {
			t.Error(err)
		}
		letters := b.letters.letters
		if len(letters) != 3 || len(letters[0].Failures)+len(letters[1].Failures)+len(letters[2].Failures) != 480 {
			t.Errorf("%d letters", len(letters))
		}
		if b.settled() != 3*leastResults+4 {
			t.Errorf("%d done", b.settled())
		}
		l.End(0)
	})
}

// TestAnEventThatComesAgainCountsOnce: it is no sign of a broken rule that one event is never done.
func TestAnEventThatComesAgainCountsOnce(t *testing.T) {
	onBench(t, DefaultConfig(testLimits), nil, func(b *bench) {
		b.letters.fail = func(time.Time) bool { return true }
		for range 2 * leastResults {
			l := newTestLease()
			for offset, value := range []string{"p 1 unmappable", "p 2 unreadable"} {
				if err := b.handle(l, event.Message{Origin: event.Origin{Topic: "t", Offset: int64(offset)}, Value: []byte(value)}, func() {}); err != nil {
					t.Fatal(err)
				}
			}
			b.pass(time.Second)
			l.End(time.Second)
		}
		if err := b.p.Stopped(); err != nil || b.letters.failed < leastResults {
			t.Errorf("%v, after %d attempts to store", err, b.letters.failed)
		}
	})
}

// TestWhatIsStoredBeforeAStopIsDone: an event whose letter is written is not written again after the restart, because the source has
// been told of it before its lease ended.
func TestWhatIsStoredBeforeAStopIsDone(t *testing.T) {
	for _, kind := range []string{"items", "unreadable", "refused"} {
		onBench(t, DefaultConfig(testLimits), refuseSome(0), func(b *bench) {
			l := newTestLease()
			time.AfterFunc(time.Hour, func() { l.Revoke(time.Second) })
			for i := range 2 * leastResults {
				if b.put(l, 0, fmt.Sprintf("p%d %d %s", i, i, kind)) != nil {
					break
				}
			}
			b.pass(2 * time.Hour)
			l.End(time.Second)
			if b.p.Stopped() == nil {
				t.Errorf("%s: the flow goes on", kind)
			}
			stored := map[string]bool{}
			for _, l := range b.letters.letters {
				stored[string(l.Message.Value)] = true
			}
			for _, value := range b.done {
				delete(stored, value)
			}
			if n := len(b.letters.letters); n < leastEvents || n >= leastResults || len(stored) > 0 {
				t.Errorf("%s: %d letters, of which %d are not done", kind, n, len(stored))
			}
		})
	}
}

// TestTheStopSaysWhat: an event that cannot be read has no rule.
func TestTheStopSaysWhat(t *testing.T) {
	for of, want := range map[subject]string{
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
	g := newBreaker(0.5)
	for i := range 1000 {
		msg := &message{failures: []event.Failure{{Stage: event.StageMapping, Reason: event.ReasonUnmatched}}}
		msg.Origin.Offset = int64(i)
		if of := g.mapped(msg); of != nil {
			t.Fatalf("stopped over %s after %d events", of, i)
		}
	}
}
