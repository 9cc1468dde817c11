package ledger_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/ledger"
)

var errBroken = errors.New("broken")

// world is what several processes share: a log whose order decides, and another side that counts.
type world struct {
	rand  func(n int) int
	table *ledger.Table

	mu      sync.Mutex
	effects map[event.ID]int
	late    sync.WaitGroup
}

// shaky is a store of that world, whose writes fail before they are stored, after it, or arrive much later.
type shaky struct{ *world }

func (w shaky) Get(context.Context, event.ID) (known ledger.Record, err error) { panic("see get") }

func (w shaky) wait() { time.Sleep(time.Duration(w.rand(2000)) * time.Millisecond) }

// one is a store for one process. It may know less than the log says.
type one struct {
	shaky
	mu   sync.Mutex
	seen map[event.ID]ledger.Record
}

func (o *one) Get(_ context.Context, id event.ID) (ledger.Record, error) {
	o.wait()
	switch o.rand(8) {
	case 0:
		return ledger.Record{}, errBroken
	case 1: // stale
		o.mu.Lock()
		defer o.mu.Unlock()
		return o.seen[id], nil
	}
	return o.look(id), nil
}

func (o *one) look(id event.ID) ledger.Record {
	known := o.table.Get(id)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen[id] = known
	return known
}

func (o *one) Put(_ context.Context, id event.ID, prev, next ledger.Record) (ledger.Record, error) {
	o.wait()
	switch o.rand(8) {
	case 0:
		return ledger.Record{}, errBroken
	case 1:
		o.late.Go(func() {
			time.Sleep(time.Duration(o.rand(60_000)) * time.Millisecond)
			o.table.Apply(id, next, time.Now())
		})
		return ledger.Record{}, errBroken
	case 2:
		o.table.Apply(id, next, time.Now())
		return ledger.Record{}, errBroken
	}
	o.table.Apply(id, next, time.Now())
	return o.look(id), nil
}

func (*one) Forgotten() time.Time                    { return time.Time{} }
func (*one) Check(context.Context) ([]string, error) { return nil, nil }
func (*one) Place() string                           { return "the world" }
func (w *world) Send(_ context.Context, calls []event.Call) []event.Outcome {
	outcomes := make([]event.Outcome, len(calls))
	for i := range calls {
		time.Sleep(time.Duration(w.rand(1500)) * time.Millisecond)
		happens, told := w.rand(2) == 0, w.rand(3) > 0
		if happens {
			w.mu.Lock()
			w.effects[calls[i].ID]++
			w.mu.Unlock()
		}
		switch {
		case happens && told:
			outcomes[i].Result = event.Delivered
		case !told:
			outcomes[i] = event.Outcome{MayBeSent: true, Failure: &event.Failure{}}
		case w.rand(2) == 0:
			outcomes[i] = event.Outcome{Result: event.Refused, Failure: &event.Failure{Reason: event.ReasonRefused}}
		}
	}
	return outcomes
}

// However stores and attempts fail, writes arrive late, processes die and two own one call: nothing is sent twice, and
// what nobody knows is refused as uncertain.
func TestNothingIsSentTwice(t *testing.T) {
	for seed := range longtest.Either(uint64(40), 2000) {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			source := rand.New(rand.NewPCG(seed, 12))
			w := &world{effects: map[event.ID]int{}, table: ledger.NewTable(time.Hour, 1000), rand: func(n int) int {
				mu.Lock()
				defer mu.Unlock()
				return source.IntN(n)
			}}
			calls := []event.ID{newID(), newID(), newID()}
			var owners sync.WaitGroup
			for range 4 {
				owners.Go(func() { w.process(t, calls) })
			}
			owners.Wait()
			w.late.Wait()
			for id, n := range w.effects {
				if n > 1 {
					t.Errorf("seed %d: call %s was sent %d times", seed, id, n)
				}
			}
		})
	}
}

// process is one process after another, which tries all calls until it dies.
func (w *world) process(t *testing.T, calls []event.ID) {
	for range 3 {
		store := &one{shaky: shaky{w}, seen: map[event.ID]ledger.Record{}}
		l := noted(t, w, store, time.Second)
		for range 1 + w.rand(6) {
			for _, id := range calls {
				w.judge(t, id, l.Send(t.Context(), []event.Call{onceCall(id)})[0])
			}
			time.Sleep(time.Duration(w.rand(20_000)) * time.Millisecond)
		}
	}
}

// judge holds what a call is settled as to what has happened.
func (w *world) judge(t *testing.T, id event.ID, o event.Outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o.Result == event.Delivered && w.effects[id] != 1 {
		t.Errorf("a call that was sent %d times is delivered", w.effects[id])
	}
}
