package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap/zaptest"

	"github.com/ciobridge/ciobridge/broker/lock"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/deadletter/internal/logtest"
	"github.com/ciobridge/ciobridge/deadletter/internal/storetest"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
)

func TestReplayKeepsWhatItMayNotSend(t *testing.T) {
	s := storetest.FileOf(t, lettertest.MinMaxBytes)
	cutOff := lettertest.Failed(4)
	cutOff.Message.Value = make([]byte, 2*lettertest.MinMaxBytes)
	lettertest.MustPut(t, s, lettertest.Failed(1), lettertest.Failed(2), lettertest.Failed(3), cutOff)
	m := rules(func(m *event.Message) ([]event.Call, []event.Failure) {
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
	opts := Options{Filter: deadletter.Filter{All: true}, Skip: []string{"delete"}}
	var plans []Plan
	planned, err := newReplay(t, s, m, opts).DryRun(t.Context(), func(plan Plan) error {
		plans = append(plans, plan)
		return nil
	})
	want := Progress{Open: 4, Chosen: 4, Delivered: 1, LeftOpen: 3, Unmatched: 1, Destructive: 1, Truncated: 1}
	if err != nil || planned != want || len(plans) != 3 {
		t.Errorf("a dry run gives %+v, %v and %d events", planned, err, len(plans))
	}
	r := newReplay(t, s, m, opts)
	if err := f.run(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got := r.Progress(); got != want || !slices.Equal(f.sent, []event.ID{lettertest.ID(3)}) {
		t.Errorf("got %+v, sent %v", got, f.sent)
	}
	opts.Skip = nil
	r = newReplay(t, s, m, opts)
	if err := f.run(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got := r.Progress(); got.Delivered != 1 || got.LeftOpen != 2 || f.sent[1] != lettertest.ID(1) {
		t.Errorf("got %+v, sent %v", got, f.sent)
	}
}

func TestALetterOfARuleIsReplacedByThoseOfItsCalls(t *testing.T) {
	s := storetest.File(t)
	l := lettertest.Failed(5)
	story := &l.Failures[0]
	story.Call, story.Stage, story.Reason, story.Attempts = "", event.StageMapping, event.ReasonMissingField, 0
	lettertest.MustPut(t, s, l)
	f := &flow{refuse: func(c event.Call) bool { return c.ID == lettertest.ID(1005) }}
	broken := rules(func(*event.Message) ([]event.Call, []event.Failure) {
		return nil, []event.Failure{{ID: lettertest.ID(5), Stage: event.StageMapping, Reason: event.ReasonRuleError,
			Rule: "order"}}
	})
	r := newReplay(t, s, broken, Options{Filter: deadletter.Filter{All: true}})
	if err := f.run(t.Context(), r); err != nil || r.Progress().FailedAgain != 1 {
		t.Fatalf("%v, %+v", err, r.Progress())
	}
	r = newReplay(t, s, rules(func(m *event.Message) ([]event.Call, []event.Failure) {
		return []event.Call{call(1, "order", "track:order_completed"), call(1005, "order", "identify"),
			call(7, "other", "identify")}, nil
	}), Options{Filter: deadletter.Filter{All: true}})
	if err := f.run(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got := r.Progress(); got.FailedAgain != 1 || len(f.sent) != 2 {
		t.Errorf("got %+v, sent %v", got, f.sent)
	}
	h, err := logtest.ShowOne(t, s, lettertest.ID(5))
	if err != nil || h.Open || len(h.Letters) != 2 || h.Letters[1].Failure.Attempts != 1 || len(h.Resolutions) != 1 ||
		h.Resolutions[0].Kind != deadletter.Replaced {
		t.Errorf("the letter of the rule: %+v, %v", h, err)
	}
	open := logtest.Listed(t, s, deadletter.Filter{All: true})
	if !slices.Equal(open, []event.ID{lettertest.ID(1005)}) {
		t.Errorf("open are %v", open)
	}
	h, err = logtest.ShowOne(t, s, lettertest.ID(1005))
	if err != nil || h.Letters[0].Failure.Attempts != 3 || !h.Letters[0].Failure.First.Equal(story.First) {
		t.Errorf("the letter of the call: %+v, %v", h, err)
	}
}

func TestLettersOfOneEventTravelTogether(t *testing.T) {
	s := storetest.File(t)
	second := lettertest.Failed(5)
	second.Failures[0].ID, second.Failures[0].Call = lettertest.ID(1005), "identify"
	lettertest.MustPut(t, s, lettertest.Failed(5), lettertest.Failed(3), second)
	f := &flow{}
	maps := 0
	r := newReplay(t, s, rules(func(m *event.Message) ([]event.Call, []event.Failure) {
		maps++
		n := int(m.Origin.Offset)
		return []event.Call{call(1000+n, "order", "identify"), call(n, "order", "track:order_completed")}, nil
	}), Options{Filter: deadletter.Filter{All: true}})
	if err := f.run(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if maps != 2 || fmt.Sprint(f.sent) != fmt.Sprint([]event.ID{lettertest.ID(1005), lettertest.ID(5),
		lettertest.ID(3)}) {
		t.Errorf("mapped %d times, sent %v", maps, f.sent)
	}
	if got := r.Progress(); got.Delivered != 3 {
		t.Errorf("got %+v", got)
	}
}

func TestReplayEndsWithItsLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &losing{Store: storetest.File(t), lost: make(chan struct{})}
		lettertest.MustPut(t, s, lettertest.FailedBetween(0, 5)...)
		var leases []context.Context
		r := newReplay(t, s, oneCall, Options{Filter: deadletter.Filter{All: true}, Drain: time.Minute})
		err := r.Consume(t.Context(), func(lease event.Lease, m *event.Message, done func()) error {
			leases = append(leases, lease)
			if _, ok := lease.Deadline(); !ok {
				t.Error("the lease has no deadline, although its lock has")
			}
			r.Mapper().Map(m)
			if len(leases) == 2 {
				close(s.lost)
				<-lease.Done()
			}
			done()
			return nil
		})
		if !errors.Is(err, ErrLockLost) || len(leases) != 2 || r.Progress().Delivered != 2 {
			t.Errorf("%v after %d messages, %+v", err, len(leases), r.Progress())
		}
		if got := logtest.Listed(t, s, deadletter.Filter{All: true}); len(got) != 3 {
			t.Errorf("%d letters are open, want 3", len(got))
		}
	})
}

// losing is a store whose lock can be lost.
type losing struct {
	Store
	lost chan struct{}
}

func (l *losing) Lock(ctx context.Context, _ func(time.Time)) (*lock.Lock, error) {
	renew := func(context.Context) error {
		select {
		case <-l.lost:
			return lock.ErrLost
		default:
			return nil
		}
	}
	return lock.Keep(ctx, time.Now(), time.Minute, renew, func(context.Context) {}), nil
}

func TestReplayRefusesAndGivesWay(t *testing.T) {
	s := storetest.File(t)
	if _, err := New(s, oneCall, Options{}, canarytest.Logger(t, zaptest.NewLogger(t).Core())); err == nil {
		t.Error("a replay without a filter was taken")
	}
	lettertest.MustPut(t, s, lettertest.Failed(1))
	no := errors.New("no")
	f := &flow{}
	err := f.run(t.Context(), newReplay(t, s, oneCall,
		Options{Filter: deadletter.Filter{All: true}, Confirm: func(Progress) error { return no }}))
	if !errors.Is(err, no) || f.sent != nil {
		t.Errorf("got %v, sent %v", err, f.sent)
	}
	lock, err := s.Lock(t.Context(), logtest.Patient(t))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	if err := f.run(t.Context(), newReplay(t, s, oneCall,
		Options{Filter: deadletter.Filter{All: true}})); !errors.Is(err, deadletter.ErrReplayRunning) {
		t.Errorf("got %v", err)
	}
}
