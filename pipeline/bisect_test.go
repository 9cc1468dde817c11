package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/pipeline/batch"
)

// failing answers as a destination that fails on every request with one of the bodies in it.
func failing(bodies ...string) sender {
	return func(ctx context.Context, calls []event.Call) []event.Outcome {
		time.Sleep(time.Second)
		out := taker{}.Send(ctx, calls)
		for _, c := range calls {
			if !slices.Contains(bodies, string(c.Body)) {
				continue
			}
			for i := range out {
				out[i] = event.Outcome{Suspect: true, Failure: &event.Failure{Stage: event.StageDelivery, Status: 500}}
			}
		}
		return out
	}
}

// TestSuspectsDoNotTakeEverySender: as many batches fail for a call of theirs as there are senders; the rest goes
// on, which is also what tells the culprits.
func TestSuspectsDoNotTakeEverySender(t *testing.T) {
	c := quiet()
	c.Senders, c.BatchItems = 2, 10
	onBench(t, c, failing("canary0 1 track", "canary10 1 track"), func(b *bench) {
		l := newTestLease()
		for i := range 40 {
			b.must(l, 0, fmt.Sprintf("canary%d 1 track", i))
		}
		b.pass(time.Minute)
		if got := b.settled(); got != 38 {
			t.Errorf("%d of 38 innocents are done", got)
		}
		if n := len(b.letters.letters); n != 0 {
			t.Errorf("%d dead letters within a minute", n)
		}
		l.End(0)
	})
}

// TestLettersCountAttempts: those that left a call open, and the one that refused it.
func TestLettersCountAttempts(t *testing.T) {
	attempts := 0
	answer := func(_ context.Context, calls []event.Call) []event.Outcome {
		attempts++
		if attempts < 3 {
			return []event.Outcome{{NotBefore: time.Now().Add(time.Second), Failure: &event.Failure{Status: 429}}}
		}
		return []event.Outcome{{Result: event.Refused,
			Failure: &event.Failure{Reason: event.ReasonRefused, Status: 400}}}
	}
	onBench(t, quiet(), answer, func(b *bench) {
		began := time.Now()
		l := newTestLease()
		b.must(l, 0, "p 1 identify")
		b.pass(time.Minute)
		if f := b.letters.letters[0].Failures[0]; f.Attempts != 3 || f.Status != 400 ||
			f.First.Sub(began) > time.Second {
			t.Errorf("got %+v after %d attempts since %s", f, attempts, began)
		}
		l.End(0)
	})
}

// Where a batch with a call that cannot be swallowed is all there is, it is halved although nobody else can be
// accepted, so that the others get through.
func TestInnocentsOfAQuietDayGetThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(11, 1, 10, 10, "identify")
		bad := string(r.messages[0][4].Value)
		r.dest.poison = func(c event.Call) bool { return string(c.Body) == bad }
		ctx, cancel := context.WithCancel(context.Background())
		p := New(r.config, Stages{Source: r.source, Mapper: mapper{}, Sender: r.dest, DeadLetters: r.letters,
			Recycle: mapper{}.Recycle}, canarytest.Logger(t), canarytest.Registry(t))
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()
		time.Sleep(10 * time.Minute)
		cancel()
		<-ended
		if r.dest.troubles["poison"] == 0 || len(r.dest.receipts) < 7 || len(r.letters.letters) > 0 {
			t.Errorf("%d failures, %d receipts, %d dead letters", r.dest.troubles["poison"], len(r.dest.receipts),
				len(r.letters.letters))
		}
	})
}

// TestOneEventOfManyPoisonousCalls is given up like any other: what is rationed is events, because a part of
// Customer.io that is down fails on many.
func TestOneEventOfManyPoisonousCalls(t *testing.T) {
	failures := 0
	answer := func(_ context.Context, calls []event.Call) []event.Outcome {
		out := make([]event.Outcome, len(calls))
		bad := slices.ContainsFunc(calls, func(c event.Call) bool { return strings.Contains(string(c.Body), "/") })
		time.Sleep(time.Second)
		for i := range out {
			out[i].Result = event.Delivered
			if bad {
				failures++
				out[i] = event.Outcome{Suspect: true, Failure: &event.Failure{Stage: event.StageDelivery, Status: 500}}
			}
		}
		return out
	}
	c := DefaultConfig(testLimits)
	c.Senders = 1
	onBench(t, c, answer, func(b *bench) {
		l := newTestLease()
		b.must(l, 0, "p 1 crowd")
		for i := range 400 {
			b.must(l, 1, fmt.Sprintf("q%d 1 track", i))
			b.pass(20 * time.Second)
		}
		if len(b.letters.letters) != 1 || len(b.letters.letters[0].Failures) != 200 ||
			failures < 200*batch.PoisonAttempts {
			t.Errorf("%d letters after %d failures", len(b.letters.letters), failures)
		}
		if b.settled() != 401 || b.p.Stats().Suspects != 0 {
			t.Errorf("%d done, %d alone", b.settled(), b.p.Stats().Suspects)
		}
		l.End(0)
	})
}
