package replay

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap/zaptest"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/deadletter/internal/logtest"
	"github.com/ciobridge/ciobridge/deadletter/internal/storetest"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
)

// rules is a mapper for tests.
type rules func(m *event.Message) ([]event.Call, []event.Failure)

func (r rules) Map(m *event.Message) ([]event.Call, []event.Failure) { return r(m) }

func (r rules) MapRenamed(m *event.Message, _, _, _, _ string) ([]event.Call, []event.Failure) {
	return r(m)
}

func (r rules) MapRepaired(m *event.Message, _ []event.Failure, _ []byte) ([]event.Call, []event.Failure) {
	return r(m)
}

func (r rules) Names(rule, call string) (bool, bool) { return rule == "order", call != "track:gone" }

func (r rules) Alternatives(string, string) ([]string, bool) { return nil, false }

// oneCall makes of every event the call that testLetter's failure is about.
var oneCall = rules(func(m *event.Message) ([]event.Call, []event.Failure) {
	n := int(m.Origin.Offset)
	return []event.Call{call(n, "order", "track:order_completed"), call(1000+n, "order", "identify")}, nil
})

// flow is a pipeline of one sender, which refuses calls as it is told.
type flow struct {
	refuse func(event.Call) bool
	after  func(sent int) // called when a call has been sent

	mu   sync.Mutex
	sent []event.ID
}

// run is what the pipeline does with a replay.
func (f *flow) run(ctx context.Context, r *Replay) error {
	mapper, letters := r.Mapper(), r.DeadLetters()
	return r.Consume(ctx, func(lease event.Lease, m *event.Message, done func()) error {
		calls, failures := mapper.Map(m)
		for _, c := range calls {
			if lease.Err() != nil {
				return nil // in flight, never acked
			}
			f.mu.Lock()
			f.sent = append(f.sent, c.ID)
			n := len(f.sent)
			f.mu.Unlock()
			if f.after != nil {
				f.after(n)
			}
			if f.refuse != nil && f.refuse(c) {
				failures = append(failures, event.Failure{
					ID: c.ID, Stage: event.StageDelivery, Reason: event.ReasonRefused,
					Rule: c.Step.Rule, Call: c.Step.Call, Attempts: 2, First: time.Now(),
				})
			}
		}
		if len(failures) > 0 {
			if err := letters.Put(ctx, event.FailedMessage{Message: *m, Failures: failures}); err != nil {
				return err
			}
		}
		done()
		done()
		return nil
	})
}

func newReplay(t *testing.T, s Store, m Rules, opts Options) *Replay {
	t.Helper()
	r, err := New(s, m, opts, canarytest.Logger(t, zaptest.NewLogger(t).Core()))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReplayDeliversOnceAndOnlyOnce(t *testing.T) {
	const letters = 60
	storetest.OnEveryStore(t, func(t *testing.T, s storetest.Store) {
		lettertest.MustPut(t, s, lettertest.FailedBetween(0, letters)...)
		f := &flow{}
		confirmed := 0
		r := newReplay(t, s, oneCall, Options{Filter: deadletter.Filter{All: true},
			Confirm: func(progress Progress) error {
				confirmed = progress.Chosen
				return nil
			}})
		if err := f.run(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if got := r.Progress(); got != (Progress{Open: letters, Chosen: letters, Delivered: letters}) ||
			confirmed != letters {
			t.Errorf("got %+v, confirmed %d", got, confirmed)
		}
		if len(f.sent) != letters {
			t.Errorf("%d calls were sent, want only the %d that failed", len(f.sent), letters)
		}
		place := map[event.ID]int{}
		for i, id := range f.sent {
			place[id] = i
		}
		for n := 3; n < letters; n++ {
			if place[lettertest.ID(n)] < place[lettertest.ID(n-3)] {
				t.Errorf("offset %d was sent before %d of its partition", n, n-3)
			}
		}
		again := newReplay(t, s, oneCall, Options{Filter: deadletter.Filter{All: true}})
		if err := f.run(t.Context(), again); err != nil {
			t.Fatal(err)
		}
		if got := again.Progress(); got != (Progress{}) || len(f.sent) != letters {
			t.Errorf("the second replay: %+v, %d calls in all", got, len(f.sent))
		}
		if sum, err := deadletter.Stats(t.Context(), s); err != nil || sum.Open != 0 || sum.Resolved != letters {
			t.Errorf("got %+v, %v", sum, err)
		}
	})
}

func TestReplayFailsAgainWithItsAttemptsCounted(t *testing.T) {
	storetest.OnEveryStore(t, func(t *testing.T, s storetest.Store) {
		lettertest.MustPut(t, s, lettertest.FailedBetween(0, 3)...)
		f := &flow{refuse: func(c event.Call) bool { return c.ID == lettertest.ID(1) }}
		for round := 1; round <= 2; round++ {
			r := newReplay(t, s, oneCall, Options{Filter: deadletter.Filter{All: true}})
			if err := f.run(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			if got := r.Progress(); got.FailedAgain != 1 || got.LeftOpen != 0 {
				t.Errorf("round %d: %+v", round, got)
			}
			var open []*deadletter.Letter
			for l, err := range deadletter.List(t.Context(), s, deadletter.Filter{All: true}) {
				if err != nil {
					t.Fatal(err)
				}
				open = append(open, l)
			}
			want := lettertest.Failed(1)
			if len(open) != 1 || open[0].ID() != lettertest.ID(1) || open[0].Failure.Attempts != 1+2*round ||
				!open[0].Failure.First.Equal(want.Failures[0].First) {
				t.Fatalf("round %d: open are %+v", round, open)
			}
			if !lettertest.Same(open[0].Message, want.Message) {
				t.Errorf("round %d: the record changed: %+v", round, open[0].Message)
			}
		}
		// The first round failed in another way than the letter says, the second in the same way as the first.
		h, err := logtest.ShowOne(t, s, lettertest.ID(1))
		if err != nil || len(h.Letters) != 2 || len(h.Again) != 1 || len(h.Resolutions) != 0 || !h.Open ||
			h.Letters[1].Failure.Attempts != 5 {
			t.Errorf("got %+v, %v", h, err)
		}
	})
}

func TestAStoppedReplayGoesOnWhereItWas(t *testing.T) {
	const letters, stopAt = 40, 17
	storetest.OnEveryStore(t, func(t *testing.T, s storetest.Store) {
		lettertest.MustPut(t, s, lettertest.FailedBetween(0, letters)...)
		ctx, stop := context.WithCancel(t.Context())
		f := &flow{after: func(sent int) {
			if sent == stopAt {
				stop()
			}
		}}
		r := newReplay(t, s, oneCall, Options{Filter: deadletter.Filter{All: true}, Drain: 2 * time.Second})
		if err := f.run(ctx, r); err != nil {
			t.Fatal(err)
		}
		progress := r.Progress()
		if progress.Delivered < stopAt || progress.Delivered == letters ||
			progress.LeftOpen != letters-progress.Delivered {
			t.Errorf("got %+v after %d of %d", progress, stopAt, letters)
		}
		rest := newReplay(t, s, oneCall, Options{Filter: deadletter.Filter{All: true}})
		if err := f.run(t.Context(), rest); err != nil {
			t.Fatal(err)
		}
		if len(f.sent) != letters {
			t.Errorf("%d calls were sent for %d letters", len(f.sent), letters)
		}
		if got := rest.Progress(); got.Delivered != letters-progress.Delivered {
			t.Errorf("got %+v", got)
		}
	})
}

// dying is a store that loses everything from a moment on, as a killed process does.
type dying struct {
	Store
	mu   sync.Mutex
	dead bool
}

var errKilled = errors.New("killed")

func (d *dying) Resolve(ctx context.Context, r ...deadletter.Resolution) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return errKilled
	}
	return d.Store.Resolve(ctx, r...)
}

func TestAKilledReplaySendsTheUnresolvedAgain(t *testing.T) {
	s := storetest.File(t)
	lettertest.MustPut(t, s, lettertest.FailedBetween(0, 10)...)
	d := &dying{Store: s, dead: true}
	f := &flow{}
	r := newReplay(t, d, oneCall, Options{Filter: deadletter.Filter{All: true}, Drain: 50 * time.Millisecond})
	if err := f.run(t.Context(), r); !errors.Is(err, errKilled) {
		t.Fatalf("got %v", err)
	}
	if got := r.Progress(); got.Unresolved != 10 {
		t.Errorf("got %+v", got)
	}
	first := slices.Clone(f.sent)
	if err := f.run(t.Context(), newReplay(t, s, oneCall, Options{Filter: deadletter.Filter{All: true}})); err != nil {
		t.Fatal(err)
	}
	if again := f.sent[len(first):]; !slices.Equal(first, again) {
		t.Errorf("sent %v and then %v: Customer.io knows repeats by their identities", first, again)
	}
}
