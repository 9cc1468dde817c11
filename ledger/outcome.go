package ledger

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// outcome is what came of an attempt.
type outcome struct {
	claim   Record // the intent that it follows
	state   State
	outcome event.Outcome
}

// Why nobody knows whether a call was sent.
const (
	detailCutOff = "the request was handed over and no answer tells whether it was taken"
	detailDied   = "the process that was sending it ended before it noted the outcome"
	// A record of an event that is older has ended, or there was no room for it.
	detailForgotten = "its event is older than the send ledger remembers, so that it may have been sent before"
)

// uncertain refuses a call of which nobody knows whether it was sent.
func uncertain(call *event.Call, detail string) *event.Outcome {
	return &event.Outcome{Result: event.Refused, Unheard: true, Failure: &event.Failure{
		ID: call.ID, Stage: event.StageDelivery, Reason: event.ReasonSendUncertain, Rule: call.Step.Rule,
		Call: call.Step.Call, Detail: detail,
	}}
}

// cutOff is uncertain for a call whose attempt was cut off. What the attempt met is told.
func cutOff(call *event.Call, met *event.Failure) event.Outcome {
	o := uncertain(call, detailCutOff)
	if met != nil {
		o.Failure.Status = met.Status
		if met.Detail != "" {
			o.Failure.Detail += ": " + met.Detail
		}
	}
	return *o
}

// pay stores an outcome, and gives it where it is stored. Until then the call stays open, so that it is not taken for
// settled before everybody can know.
func (s *Sender) pay(ctx context.Context, id event.ID, o outcome) event.Outcome {
	ctx = context.WithoutCancel(ctx)
	if s.note(ctx, s.follow(ctx, id, o)) != nil {
		return later(failingPause)
	}
	s.paid(id)
	s.Settle(ctx) // the store works again, and of calls that have gone to another replica nobody else tells
	return o.outcome
}

// Settle stores the outcomes that could not be stored before, until one cannot again. It is bounded by ctx; what it
// has not stored when nothing is sent any more is left to a person.
func (s *Sender) Settle(ctx context.Context) {
	s.mu.Lock()
	owed := slices.Collect(maps.Keys(s.owed))
	s.mu.Unlock()
	for _, id := range owed {
		if ctx.Err() != nil || s.begin(id) == nil {
			continue
		}
		o, is := s.owes(id)
		if is && s.note(ctx, s.follow(ctx, id, o)) != nil {
			s.end(id)
			return
		}
		s.paid(id)
		s.end(id)
	}
}

func (s *Sender) paid(id event.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.owed, id)
}

// follow stores what follows an intent. That a call was sent is stored whatever stands there by now; anything else only
// where the intent still stands.
func (s *Sender) follow(ctx context.Context, id event.ID, o outcome) error {
	prev := o.claim
	for range maxRivals {
		next := prev.Follow(o.state, s.owner, time.Now())
		known, err := s.store.Put(ctx, id, prev, next)
		if err != nil {
			return err
		}
		if known.Is(next) || known.State == Sent || o.state != Sent {
			return nil
		}
		prev = known
	}
	return ErrUnreachable
}

func (s *Sender) owes(id event.ID) (outcome, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, is := s.owed[id]
	return o, is
}

func (s *Sender) owe(id event.ID, o outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owed[id] = o
}
