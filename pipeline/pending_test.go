package pipeline

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// TestLettersThatCannotBeStored: the writer backs off although letters keep coming, and a lease that ends is not
// held up.
func TestLettersThatCannotBeStored(t *testing.T) {
	onBench(t, quiet(), nil, func(b *bench) {
		b.letters.fail = func(time.Time) bool { return true }
		l := newTestLease()
		for i := range 600 {
			b.must(l, 0, fmt.Sprintf("p %d unmappable", i))
			b.pass(100 * time.Millisecond)
		}
		b.letters.mu.Lock()
		if n := b.letters.failed; n < 5 || n > 30 {
			t.Errorf("%d attempts in a minute", n)
		}
		b.letters.mu.Unlock()
		began := time.Now()
		if !l.End(15*time.Second) || time.Since(began) > time.Second {
			t.Errorf("the lease was held up for %s", time.Since(began))
		}
		// Nothing waits to be stored any more, and nothing would tell that it can be stored again.
		b.pass(time.Minute)
		if b.p.LettersDown() || b.p.Stats().DeadLettersDown {
			t.Error("letters are said to wait, though there are none")
		}
	})
}

// TestMessagesAreCountedOnce by what became of them.
func TestMessagesAreCountedOnce(t *testing.T) {
	onBench(t, quiet(), nil, func(b *bench) {
		l := newTestLease()
		for i, kind := range []string{"track", "several", "skip", "unmappable", "track"} {
			b.must(l, 0, fmt.Sprintf("p %d %s", i, kind))
		}
		b.pass(time.Minute)
		s := b.p.Stats()
		for name, c := range map[string][2]int{
			"delivered": {s.Delivered, 2}, "dead_lettered": {s.DeadLettered, 2}, "skipped": {s.Skipped, 1},
			"finished": {s.Finished(), 5}, "letters": {s.Letters(), 2},
		} {
			if c[0] != c[1] {
				t.Errorf("%s: %d, want %d", name, c[0], c[1])
			}
		}
		for outcome, want := range map[string]float64{"delivered": 2, "dead_lettered": 2, "skipped": 1} {
			if got := b.metric("ciobridge_messages_total", outcome); got != want {
				t.Errorf("the metric says %g %s, want %g", got, outcome, want)
			}
		}
		l.End(0)
	})
}

// refuseSome refuses calls whose body ends in "refused", keeps those open that begin with "other-" for so long, and
// accepts the rest.
func refuseSome(d time.Duration) sender {
	began := time.Now()
	return func(_ context.Context, calls []event.Call) []event.Outcome {
		out := make([]event.Outcome, len(calls))
		for i, c := range calls {
			out[i].Result = event.Delivered
			other, until := strings.HasPrefix(string(c.Body), "other-"), began.Add(d)
			switch {
			case other && time.Now().Before(until):
				out[i] = event.Outcome{NotBefore: until, Failure: &event.Failure{Stage: event.StageDelivery}}
			case !other && strings.HasSuffix(string(c.Body), "refused"):
				out[i] = event.Outcome{Result: event.Refused,
					Failure: &event.Failure{Stage: event.StageDelivery, Reason: event.ReasonRefused, Status: 400}}
			}
		}
		return out
	}
}

// TestOneLetterForAMessage: what fails while it is mapped and what is refused is stored once, when nothing of the
// message is open; till then nobody waits for a call that was refused.
func TestOneLetterForAMessage(t *testing.T) {
	var answer sender
	onBench(t, quiet(), func(ctx context.Context, calls []event.Call) []event.Outcome { return answer(ctx, calls) },
		func(b *bench) {
			answer = refuseSome(time.Hour)
			l := newTestLease()
			b.must(l, 0, "p 1 several refused") // a mapping failure, a refused call, and one that is open for an hour
			b.must(l, 0, "p 2 identify")
			b.pass(time.Minute)
			if len(b.letters.letters) != 0 || b.settled() != 0 {
				t.Errorf("%d letters, done %v, while a call is open", len(b.letters.letters), b.done)
			}
			b.want("p 1 several refused", "other-p 1 several refused", "p 2 identify")
			b.pass(2 * time.Hour)
			if len(b.letters.letters) != 1 || len(b.letters.letters[0].Failures) != 2 || b.settled() != 2 {
				t.Errorf("letters %+v, done %v", b.letters.letters, b.done)
			}
			l.End(0)
		})
}

// TestALeaseEndsBeforeTheLetter: the message comes again, so its letter is not written.
func TestALeaseEndsBeforeTheLetter(t *testing.T) {
	var answer sender
	onBench(t, quiet(), func(ctx context.Context, calls []event.Call) []event.Outcome { return answer(ctx, calls) },
		func(b *bench) {
			answer = refuseSome(time.Hour)
			l := newTestLease()
			b.must(l, 0, "p 1 several refused")
			b.pass(time.Minute)
			if !l.End(15 * time.Second) {
				t.Error("the lease was held up")
			}
			b.pass(2 * time.Hour)
			if len(b.letters.letters) != 0 || b.settled() != 0 || b.p.Stats().Lanes != 0 {
				t.Errorf("%d letters, done %v, %d lanes", len(b.letters.letters), b.done, b.p.Stats().Lanes)
			}
		})
}

// TestLettersAreBoundedByBytes, and a letter that is larger than that is written alone.
func TestLettersAreBoundedByBytes(t *testing.T) {
	onBench(t, quiet(), nil, func(b *bench) {
		most := 0
		l := newTestLease()
		for i, size := range []int{10, 10, 400_000, 400_000, 400_000, 3_000_000, 10, 10} {
			b.must(l, 0, fmt.Sprintf("p %d unmappable %s", i, strings.Repeat("x", size)))
		}
		b.pass(time.Minute)
		for _, put := range b.letters.puts {
			size := 0
			for _, l := range put {
				size += l.Message.Size()
			}
			if size > letterBytesAtOnce && len(put) > 1 {
				t.Errorf("%d letters of %d bytes at once", len(put), size)
			}
			most = max(most, len(put))
		}
		if b.settled() != 8 || most < 2 || len(b.letters.puts) > 5 {
			t.Errorf("%d done with %d writes of up to %d letters", b.settled(), len(b.letters.puts), most)
		}
		l.End(0)
	})
}
