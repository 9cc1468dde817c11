package deadletter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap/zaptest"

	"github.com/ciobridge/ciobridge/event"
)

// rules is a mapper for tests.
type rules func(m event.Message) ([]event.Call, []event.Failure)

func (r rules) Map(m event.Message) ([]event.Call, []event.Failure) { return r(m) }

// oneCall makes of every event the call that testLetter's failure is about.
var oneCall = rules(func(m event.Message) ([]event.Call, []event.Failure) {
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
	return r.Consume(ctx, func(lease context.Context, m event.Message, done func()) error {
		calls, failures := r.Map(m)
		for _, c := range calls {
			if lease.Err() != nil {
				return nil // in hand, never done
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
					ID: c.ID, Stage: event.StageDelivery, Reason: event.ReasonRefused, Rule: c.Step.Rule, Call: c.Step.Call, Attempts: 2, First: time.Now(),
				})
			}
		}
		if len(failures) > 0 {
			letters := make([]event.Letter, len(failures))
			for i := range failures {
				letters[i] = event.Letter{Message: m, Failure: failures[i]}
			}
			if err := r.Put(ctx, letters...); err != nil {
				return err
			}
		}
		done()
		done()
		return nil
	})
}

func newReplay(t *testing.T, s Store, m Mapper, opts ReplayOptions) *Replay {
	t.Helper()
	r, err := NewReplay(s, m, opts, zaptest.NewLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReplayDeliversOnceAndOnlyOnce(t *testing.T) {
	const letters = 60
	onEveryStore(t, func(t *testing.T, s Store) {
		mustPut(t, s, testLetters(0, letters)...)
		f := &flow{}
		confirmed := 0
		r := newReplay(t, s, oneCall, ReplayOptions{Filter: Filter{All: true}, Confirm: func(report Report) error {
			confirmed = report.Chosen
			return nil
		}})
		if err := f.run(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if got := r.Report(); got != (Report{Open: letters, Chosen: letters, Delivered: letters}) || confirmed != letters {
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
			if place[testID(n)] < place[testID(n-3)] {
				t.Errorf("offset %d was sent before %d of its partition", n, n-3)
			}
		}
		again := newReplay(t, s, oneCall, ReplayOptions{Filter: Filter{All: true}})
		if err := f.run(t.Context(), again); err != nil {
			t.Fatal(err)
		}
		if got := again.Report(); got != (Report{}) || len(f.sent) != letters {
			t.Errorf("the second replay: %+v, %d calls in all", got, len(f.sent))
		}
		if sum, err := Stats(t.Context(), s); err != nil || sum.Open != 0 || sum.Resolved != letters {
			t.Errorf("got %+v, %v", sum, err)
		}
	})
}

func TestReplayFailsAgainWithItsAttemptsCounted(t *testing.T) {
	onEveryStore(t, func(t *testing.T, s Store) {
		mustPut(t, s, testLetters(0, 3)...)
		f := &flow{refuse: func(c event.Call) bool { return c.ID == testID(1) }}
		for round := 1; round <= 2; round++ {
			r := newReplay(t, s, oneCall, ReplayOptions{Filter: Filter{All: true}})
			if err := f.run(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			if got := r.Report(); got.FailedAgain != 1 || got.LeftOpen != 0 {
				t.Errorf("round %d: %+v", round, got)
			}
			var open []*Letter
			for l, err := range List(t.Context(), s, Filter{All: true}) {
				if err != nil {
					t.Fatal(err)
				}
				open = append(open, l)
			}
			want := testLetter(1)
			if len(open) != 1 || open[0].ID() != testID(1) || open[0].Failure.Attempts != 1+2*round || !open[0].Failure.First.Equal(want.Failure.First) {
				t.Fatalf("round %d: open are %+v", round, open)
			}
			if !same(open[0].Message, want.Message) {
				t.Errorf("round %d: the record changed: %+v", round, open[0].Message)
			}
		}
		if h, err := Show(t.Context(), s, testID(1)); err != nil || len(h.Letters) != 3 || !h.Open {
			t.Errorf("got %+v, %v", h, err)
		}
	})
}

func TestAStoppedReplayGoesOnWhereItWas(t *testing.T) {
	const letters, stopAt = 40, 17
	onEveryStore(t, func(t *testing.T, s Store) {
		mustPut(t, s, testLetters(0, letters)...)
		ctx, stop := context.WithCancel(t.Context())
		f := &flow{after: func(sent int) {
			if sent == stopAt {
				stop()
			}
		}}
		r := newReplay(t, s, oneCall, ReplayOptions{Filter: Filter{All: true}, Drain: 2 * time.Second})
		if err := f.run(ctx, r); err != nil {
			t.Fatal(err)
		}
		report := r.Report()
		if report.Delivered < stopAt || report.Delivered == letters || report.LeftOpen != letters-report.Delivered {
			t.Errorf("got %+v after %d of %d", report, stopAt, letters)
		}
		rest := newReplay(t, s, oneCall, ReplayOptions{Filter: Filter{All: true}})
		if err := f.run(t.Context(), rest); err != nil {
			t.Fatal(err)
		}
		if len(f.sent) != letters {
			t.Errorf("%d calls were sent for %d letters", len(f.sent), letters)
		}
		if got := rest.Report(); got.Delivered != letters-report.Delivered {
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

func (d *dying) Resolve(ctx context.Context, r ...Resolution) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return errKilled
	}
	return d.Store.Resolve(ctx, r...)
}

func TestAKilledReplaySendsTheUnresolvedAgain(t *testing.T) {
	s := stores["file"](t)
	mustPut(t, s, testLetters(0, 10)...)
	d := &dying{Store: s, dead: true}
	f := &flow{}
	r := newReplay(t, d, oneCall, ReplayOptions{Filter: Filter{All: true}, Drain: 50 * time.Millisecond})
	if err := f.run(t.Context(), r); !errors.Is(err, errKilled) {
		t.Fatalf("got %v", err)
	}
	if got := r.Report(); got.Unresolved != 10 {
		t.Errorf("got %+v", got)
	}
	first := slices.Clone(f.sent)
	if err := f.run(t.Context(), newReplay(t, s, oneCall, ReplayOptions{Filter: Filter{All: true}})); err != nil {
		t.Fatal(err)
	}
	if again := f.sent[len(first):]; !slices.Equal(first, again) {
		t.Errorf("sent %v and then %v: Customer.io knows repeats by their identities", first, again)
	}
}

func TestReplayKeepsWhatItMayNotSend(t *testing.T) {
	s := stores["file"](t)
	cutOff := testLetter(4)
	cutOff.Message.Value = make([]byte, 2*minMaxBytes)
	s.(*File).maxBytes = minMaxBytes
	mustPut(t, s, testLetter(1), testLetter(2), testLetter(3), cutOff)
	m := rules(func(m event.Message) ([]event.Call, []event.Failure) {
		switch n := int(m.Origin.Offset); n {
		case 1:
			return []event.Call{call(1, "order", "delete")}, nil
		case 2:
			return nil, nil
		default:
			return []event.Call{call(n, "order", "track:order_completed")}, nil
		}
	})
	f := &flow{}
	opts := ReplayOptions{Filter: Filter{All: true}}
	var trials []Trial
	tried, err := newReplay(t, s, m, opts).Try(t.Context(), func(trial Trial) error {
		trials = append(trials, trial)
		return nil
	})
	want := Report{Open: 4, Chosen: 4, Delivered: 1, LeftOpen: 3, Unmatched: 1, Destructive: 1, Cut: 1}
	if err != nil || tried != want || len(trials) != 3 {
		t.Errorf("trying gives %+v, %v and %d events", tried, err, len(trials))
	}
	r := newReplay(t, s, m, opts)
	if err := f.run(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got := r.Report(); got != want || !slices.Equal(f.sent, []event.ID{testID(3)}) {
		t.Errorf("got %+v, sent %v", got, f.sent)
	}
	opts.IncludeDestructive = true
	r = newReplay(t, s, m, opts)
	if err := f.run(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got := r.Report(); got.Delivered != 1 || got.LeftOpen != 2 || f.sent[1] != testID(1) {
		t.Errorf("got %+v, sent %v", got, f.sent)
	}
}

func TestALetterOfARuleIsReplacedByThoseOfItsCalls(t *testing.T) {
	s := stores["file"](t)
	l := testLetter(5)
	l.Failure.Call, l.Failure.Stage, l.Failure.Reason, l.Failure.Attempts = "", event.StageMapping, event.ReasonMissingField, 0
	mustPut(t, s, l)
	f := &flow{refuse: func(c event.Call) bool { return c.ID == testID(1005) }}
	broken := rules(func(event.Message) ([]event.Call, []event.Failure) {
		return nil, []event.Failure{{ID: testID(5), Stage: event.StageMapping, Reason: event.ReasonRuleError, Rule: "order"}}
	})
	r := newReplay(t, s, broken, ReplayOptions{Filter: Filter{All: true}})
	if err := f.run(t.Context(), r); err != nil || r.Report().FailedAgain != 1 {
		t.Fatalf("%v, %+v", err, r.Report())
	}
	r = newReplay(t, s, rules(func(m event.Message) ([]event.Call, []event.Failure) {
		return []event.Call{call(1, "order", "track:order_completed"), call(1005, "order", "identify"), call(7, "other", "identify")}, nil
	}), ReplayOptions{Filter: Filter{All: true}})
	if err := f.run(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got := r.Report(); got.FailedAgain != 1 || len(f.sent) != 2 {
		t.Errorf("got %+v, sent %v", got, f.sent)
	}
	h, err := Show(t.Context(), s, testID(5))
	if err != nil || h.Open || len(h.Letters) != 2 || h.Letters[1].Failure.Attempts != 1 || len(h.Resolutions) != 1 || h.Resolutions[0].Outcome != Replaced {
		t.Errorf("the letter of the rule: %+v, %v", h, err)
	}
	open := listed(t, s, Filter{All: true})
	if !slices.Equal(open, []event.ID{testID(1005)}) {
		t.Errorf("open are %v", open)
	}
	h, err = Show(t.Context(), s, testID(1005))
	if err != nil || h.Letters[0].Failure.Attempts != 3 || !h.Letters[0].Failure.First.Equal(l.Failure.First) {
		t.Errorf("the letter of the call: %+v, %v", h, err)
	}
}

func TestLettersOfOneEventTravelTogether(t *testing.T) {
	s := stores["file"](t)
	second := testLetter(5)
	second.Failure.ID, second.Failure.Call = testID(1005), "identify"
	mustPut(t, s, testLetter(5), testLetter(3), second)
	f := &flow{}
	maps := 0
	r := newReplay(t, s, rules(func(m event.Message) ([]event.Call, []event.Failure) {
		maps++
		n := int(m.Origin.Offset)
		return []event.Call{call(1000+n, "order", "identify"), call(n, "order", "track:order_completed")}, nil
	}), ReplayOptions{Filter: Filter{All: true}})
	if err := f.run(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if maps != 2 || fmt.Sprint(f.sent) != fmt.Sprint([]event.ID{testID(1005), testID(5), testID(3)}) {
		t.Errorf("mapped %d times, sent %v", maps, f.sent)
	}
	if got := r.Report(); got.Delivered != 3 {
		t.Errorf("got %+v", got)
	}
}

func TestReplayEndsWithItsLock(t *testing.T) {
	s := &losing{Store: stores["file"](t), lost: make(chan struct{})}
	mustPut(t, s, testLetters(0, 5)...)
	var leases []context.Context
	r := newReplay(t, s, oneCall, ReplayOptions{Filter: Filter{All: true}, Drain: time.Minute})
	err := r.Consume(t.Context(), func(lease context.Context, m event.Message, done func()) error {
		leases = append(leases, lease)
		if _, ok := lease.Deadline(); !ok {
			t.Error("the lease has no deadline, although its hold has")
		}
		r.Map(m)
		if len(leases) == 2 {
			close(s.lost)
			<-lease.Done()
		}
		done()
		return nil
	})
	if !errors.Is(err, ErrLockLost) || len(leases) != 2 || r.Report().Delivered != 2 {
		t.Errorf("%v after %d messages, %+v", err, len(leases), r.Report())
	}
	if got := listed(t, s, Filter{All: true}); len(got) != 3 {
		t.Errorf("%d letters are open, want 3", len(got))
	}
}

// losing is a store whose lock can be lost.
type losing struct {
	Store
	lost chan struct{}
}

func (l *losing) Lock(context.Context) (*Hold, error) {
	return &Hold{lost: l.lost, until: time.Now().Add(time.Hour), release: func() {}}, nil
}

func TestReplayRefusesAndGivesWay(t *testing.T) {
	s := stores["file"](t)
	if _, err := NewReplay(s, oneCall, ReplayOptions{}, zaptest.NewLogger(t)); err == nil {
		t.Error("a replay without a filter was taken")
	}
	mustPut(t, s, testLetter(1))
	no := errors.New("no")
	f := &flow{}
	err := f.run(t.Context(), newReplay(t, s, oneCall, ReplayOptions{Filter: Filter{All: true}, Confirm: func(Report) error { return no }}))
	if !errors.Is(err, no) || f.sent != nil {
		t.Errorf("got %v, sent %v", err, f.sent)
	}
	hold, err := s.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Release()
	if err := f.run(t.Context(), newReplay(t, s, oneCall, ReplayOptions{Filter: Filter{All: true}})); !errors.Is(err, ErrReplayRunning) {
		t.Errorf("got %v", err)
	}
}
