package pipeline

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/pipeline/breaker"
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
		for i := range 2 * breaker.LeastResults {
			b.must(l, 0, fmt.Sprintf("p %d identify", i))
		}
		b.pass(time.Hour)
		if len(b.sent) != breaker.LeastResults || len(b.letters.letters) != breaker.LeastResults-1 ||
			len(b.done) != breaker.LeastResults-1 {
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
		for i := range 10 * breaker.LeastResults {
			kind := []string{"skip", "track"}[i/(5*breaker.LeastResults)]
			if i%5 == 0 {
				kind = "unreadable"
			}
			b.must(l, int32(i%5), fmt.Sprintf("p %d %s", i, kind))
		}
		b.pass(time.Minute)
		if b.p.Stats().Stopped || len(b.letters.letters) != 2*breaker.LeastResults {
			t.Errorf("stopped: %v, with %d letters", b.p.Stats().Stopped, len(b.letters.letters))
		}
		l.End(0)
	})
}

// TestOneEventDoesNotStopTheFlow, however many of its calls fail, neither while it is mapped nor at Customer.io,
// and each such event has one letter.
func TestOneEventDoesNotStopTheFlow(t *testing.T) {
	onBench(t, DefaultConfig(testLimits), refuseSome(0), func(b *bench) {
		l := newTestLease()
		time.AfterFunc(time.Hour, func() { l.Revoke(0) }) // which a stopped flow waits for
		for i := range 3 * breaker.LeastResults {
			b.must(l, 0, fmt.Sprintf("canary%d %d track", i, i))
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
		if b.settled() != 3*breaker.LeastResults+4 {
			t.Errorf("%d done", b.settled())
		}
		l.End(0)
	})
}

// TestAnEventThatComesAgainCountsOnce: it is no sign of a broken rule that one event is never done.
func TestAnEventThatComesAgainCountsOnce(t *testing.T) {
	onBench(t, DefaultConfig(testLimits), nil, func(b *bench) {
		b.letters.fail = func(time.Time) bool { return true }
		for range 2 * breaker.LeastResults {
			l := newTestLease()
			for offset, value := range []string{"p 1 unmappable", "p 2 unreadable"} {
				if err := b.handle(l, &event.Message{Origin: event.Origin{Topic: "t", Offset: int64(offset)},
					Value: []byte(value)}, func() {}); err != nil {
					t.Fatal(err)
				}
			}
			b.pass(time.Second)
			l.End(time.Second)
		}
		if err := b.p.Stopped(); err != nil || b.letters.failed < breaker.LeastResults {
			t.Errorf("%v, after %d attempts to store", err, b.letters.failed)
		}
	})
}

// TestWhatIsStoredBeforeAStopIsDone: an event whose letter is written is not written again after the restart,
// because the source has been told of it before its lease ended.
func TestWhatIsStoredBeforeAStopIsDone(t *testing.T) {
	for _, kind := range []string{"items", "unreadable", "refused"} {
		onBench(t, DefaultConfig(testLimits), refuseSome(0), func(b *bench) {
			l := newTestLease()
			time.AfterFunc(time.Hour, func() { l.Revoke(time.Second) })
			for i := range 2 * breaker.LeastResults {
				if b.put(l, 0, fmt.Sprintf("canary%d %d %s", i, i, kind)) != nil {
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
			if n := len(b.letters.letters); n < breaker.LeastEvents || n >= breaker.LeastResults || len(stored) > 0 {
				t.Errorf("%s: %d letters, of which %d are not done", kind, n, len(stored))
			}
		})
	}
}

// Of the events that are skipped those of the topic itself count as read, and not those of others: a topic stops whose
// events cannot be read, however many topics beside it hold what no rule wants.
func TestWhatOtherTopicsHoldSavesNone(t *testing.T) {
	var bad atomic.Bool
	bad.Store(true)
	onBench(t, DefaultConfig(testLimits), nil, func(b *bench) {
		b.p.stages.Mapper = teams{broken: &atomic.Bool{}, unreadable: &bad}
		l := newTestLease()
		for i := range 3 * breaker.LeastResults {
			for other := range 64 {
				b.p.input.skip(fmt.Sprint("other", other))
			}
			m := event.Message{Origin: event.Origin{Topic: "bad", Offset: int64(i)}}
			if b.p.Stops() != nil {
				break
			}
			if err := b.p.handle(l, &m, func() {}); err != nil {
				t.Fatal(err)
			}
			b.pass(time.Second)
		}
		if stops := b.p.Stops(); len(stops) != 1 || stops[0].Topic != "bad" {
			t.Errorf("stopped: %v", stops)
		}
		l.End(time.Second)
	})
}

// In an outage memory fills with the events of one rule. When Customer.io is back it refuses them all, and the rule
// stops. Then the events of others flow beside what is held, although that is more than its share.
func TestWhatIsHeldAfterAnOutageLeavesRoom(t *testing.T) {
	var down, well atomic.Bool
	var done atomic.Int64
	down.Store(true)
	answer := func(_ context.Context, calls []event.Call) []event.Outcome {
		out := make([]event.Outcome, len(calls))
		for i, c := range calls {
			switch {
			case down.Load():
				out[i].NotBefore = time.Now().Add(time.Second)
			case c.Step.Rule == "own":
				out[i].Result = event.Refused
			default:
				out[i].Result = event.Delivered
			}
		}
		return out
	}
	c := DefaultConfig(testLimits)
	c.Memory = 1 << 20
	onBench(t, c, answer, func(b *bench) {
		b.p.stages.Mapper = teams{broken: &well, unreadable: &well}
		l := newTestLease()
		read := func(topic, person string, more func() bool, acked func()) {
			for i := 0; i < 5000 && more(); i++ {
				m := event.Message{Origin: event.Origin{Topic: topic, Offset: int64(i)},
					Value: fmt.Appendf(nil, "%s%d %d identify", person, i, i+1)}
				if b.p.handle(l, &m, acked) != nil {
					return
				}
			}
		}
		for i := range 4 {
			go read(fmt.Sprint("own", i), fmt.Sprint("a", i, "-"), down.Load, func() {})
		}
		b.pass(time.Minute)
		go read("other", "b", func() bool { return true }, func() { done.Add(1) })
		b.pass(time.Minute)
		if n := b.p.Stats().Reserved; n < c.Memory/10*9 || done.Load() > 0 {
			t.Errorf("%d bytes are used in the outage, %d done", n, done.Load())
		}
		down.Store(false)
		b.pass(time.Hour)
		if n := b.p.Stats().Reserved; done.Load() != 5000 || len(b.p.Stops()) != 1 || n > c.Memory+c.Memory/2 {
			t.Errorf("%d of 5000 done, stopped: %v, %d bytes", done.Load(), b.p.Stops(), n)
		}
		l.End(time.Second)
	})
}
