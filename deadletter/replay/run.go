package replay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/broker/lock"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/lease"
)

type handler = event.Handler

// run feeds the events to handle and writes resolutions until everything is acked or the replay is stopped.
func (r *Replay) run(ctx context.Context, lock *lock.Lock, events [][]deadletter.Selected, handle handler) error {
	lease := lease.New(lock.Until)
	feeding, stopFeeding := context.WithCancel(ctx)
	fed := make(chan error, 1)
	go func() { fed <- r.feed(feeding, lease, events, handle) }()

	var errFeed, errLost error
	tick := time.NewTicker(resolveEvery)
	defer tick.Stop()
	for feeds, stopped := true, false; !stopped && (feeds || r.eventsInFlight() > 0); {
		select {
		case errFeed = <-fed:
			feeds, stopped = false, errFeed != nil
		case <-r.wake:
			// At once, so that a kill repeats little; what is acked meanwhile goes with the next write.
			if !r.failing {
				_ = r.writePending(ctx)
			}
		case <-tick.C:
			_ = r.writePending(ctx)
		case <-ctx.Done():
			stopped = true
		case <-lock.Lost():
			stopped, errLost = true, ErrLockLost
		}
		if stopped {
			lease.Revoke(r.opts.Drain)
			stopFeeding()
			if feeds {
				errFeed = <-fed
			}
			lease.End(r.opts.Drain)
		}
	}
	lease.End(0)
	stopFeeding()
	if errors.Is(errFeed, errStopped) {
		errFeed = nil
	}
	return errors.Join(errFeed, errLost, r.writeRest(context.WithoutCancel(ctx)))
}

// feed hands over one message per event, in order.
func (r *Replay) feed(ctx context.Context, lease event.Lease, events [][]deadletter.Selected, handle handler) error {
	for _, selection := range events {
		letters, err := r.load(ctx, selection)
		if ctx.Err() != nil || lease.Err() != nil {
			return errStopped
		}
		if err != nil {
			return fmt.Errorf("replay: %w", err)
		}
		if len(letters) == 0 {
			continue
		}
		if err := r.handOver(lease, letters, handle); err != nil {
			if ctx.Err() != nil || lease.Err() != nil {
				return errStopped
			}
			return fmt.Errorf("replay: hand over %s: %w", letters[0].Message.Origin, err)
		}
	}
	return nil
}

// handOver hands over the message of an event and its letters.
func (r *Replay) handOver(lease event.Lease, letters []*deadletter.Letter, handle handler) error {
	m := r.message(letters)
	e := eventOf(&m)
	r.mu.Lock()
	r.inFlight++
	r.mu.Unlock()
	var once sync.Once
	err := handle(lease, &m, func() { once.Do(func() { r.finished(e) }) })
	if err != nil {
		once.Do(r.dropped)
	}
	return err
}

// message makes the message of an event and its letters.
func (r *Replay) message(letters []*deadletter.Letter) event.Message {
	e, m := newReplayedEvent(letters), letters[0].Message
	if r.opts.Repaired != nil {
		e.repair(&m, r.opts.Repaired)
	}
	m.Ref = e
	return m
}

// finished resolves the letters of an event that was acked.
func (r *Replay) finished(e *replayedEvent) {
	r.mu.Lock()
	r.inFlight--
	r.pending = append(r.pending, r.resolutionsOf(e)...)
	r.mu.Unlock()
	r.wakeUp()
}

// dropped forgets an event that the pipeline did not take.
func (r *Replay) dropped() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inFlight--
}

func (r *Replay) eventsInFlight() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.inFlight
}
