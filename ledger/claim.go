package ledger

import (
	"context"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// maxRivals is how often a record may be another's before a call is put off.
const maxRivals = 4

// attempt is a call on its way through the next sender. Send and Claim use it one after the other.
type attempt struct {
	known   Record         // what was known before
	claim   Record         // the intent, once it stands
	settled *event.Outcome // what was found in its place
}

// lookUp settles a call by what is known of it, before it waits for its turn. It is nil for one that may be sent.
func (s *Sender) lookUp(ctx context.Context, call *event.Call, a *attempt) *event.Outcome {
	ctx, cancel := untilDeadline(ctx)
	defer cancel()
	var err error
	if a.known, err = s.store.Get(ctx, call.ID); s.note(ctx, err) != nil {
		wait := later(failingPause)
		return &wait
	}
	return s.settles(call, a.known)
}

// Claim stores the intents to send the calls of a request, and reports whether the request may go. The sender that
// makes the attempts calls it right before it does, in the goroutine of Send, so that a call that waits for its turn
// has none.
func (s *Sender) Claim(ctx context.Context, calls []event.Call) bool {
	if passing(calls) == len(calls) {
		return true
	}
	ctx, cancel := untilDeadline(ctx)
	defer cancel()
	for i := range calls {
		if !calls[i].Step.Once {
			continue
		}
		s.mu.Lock()
		a := s.moving[calls[i].ID]
		s.mu.Unlock()
		if a == nil || len(calls) > 1 {
			return false // it did not come through Send
		}
		err := s.claim(ctx, &calls[i], a)
		if s.note(ctx, err) != nil {
			wait := later(failingPause)
			a.settled = &wait
		}
		if a.settled != nil {
			return false
		}
	}
	return true
}

// claim stores the intent to send a call, unless what is known by now settles the call.
func (s *Sender) claim(ctx context.Context, call *event.Call, a *attempt) error {
	for range maxRivals {
		if a.settled = s.settles(call, a.known); a.settled != nil {
			return nil
		}
		claim := a.known.Follow(Intent, s.owner, time.Now())
		known, err := s.store.Put(ctx, call.ID, a.known, claim)
		if err != nil {
			return err
		}
		if known.Is(claim) {
			a.claim = known
			return nil
		}
		a.known = known
	}
	put := later(movingPause)
	a.settled = &put
	return nil
}

// settles is what is known of a call, and nil where it may be sent.
func (s *Sender) settles(call *event.Call, known Record) *event.Outcome {
	now := time.Now()
	switch {
	case known.State == Sent:
		s.metrics.known.Inc()
		return &event.Outcome{Result: event.Delivered, Unheard: true}
	case known.State == Uncertain:
		return uncertain(call, detailCutOff)
	case known.State == Intent && known.Owner != s.owner:
		if isRecent(now.Sub(known.At), s.grace) {
			return &event.Outcome{NotBefore: known.At.Add(s.grace)}
		}
		s.metrics.uncertain.Inc()
		return uncertain(call, detailDied)
	case known.State == Unknown && s.forgotten(call.ID):
		s.metrics.uncertain.Inc()
		return uncertain(call, detailForgotten)
	}
	return nil
}

// isRecent reports whether an intent of that age may yet get its outcome. The age is by two clocks: one that is far in
// the future was written by a clock that was wrong, and nobody could wait for it.
func isRecent(age, grace time.Duration) bool { return age > -grace && age < grace }

// forgotten reports whether a call may have been sent so long ago that its record is gone.
func (s *Sender) forgotten(id event.ID) bool {
	ms := millis(id)
	return ms > 0 && time.UnixMilli(int64(ms)).Before(s.store.Forgotten())
}
