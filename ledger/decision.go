package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// What a decision may meet. They are told apart with errors.Is.
var (
	// ErrSent means that a call is known to be sent, so that nobody can decide that it was not.
	ErrSent = errors.New("the send ledger has it that the call was sent")
	// ErrMoving means that an attempt may be under way.
	ErrMoving = errors.New("the call may be on its way at this moment")
)

// Decide stores what a person has found out about a call: that it was sent, or that it was not and may be attempted
// again. Timeout is that of a request, as for New.
func Decide(ctx context.Context, store Store, id event.ID, sent bool, timeout time.Duration) error {
	state := NotSent
	if sent {
		state = Sent
	}
	known, err := store.Get(ctx, id)
	for range maxRivals {
		now := time.Now()
		switch {
		case err != nil:
			return err
		case known.State == Sent && !sent:
			return fmt.Errorf("%w, at %s", ErrSent, known.At.UTC().Format(time.RFC3339))
		case known.State == state:
			return nil
		case known.State == Intent && isRecent(now.Sub(known.At), timeout+settleMargin):
			return fmt.Errorf("%w: decide again after %s", ErrMoving,
				known.At.Add(timeout+settleMargin).UTC().Format(time.RFC3339))
		}
		next := known.Follow(state, Operator, now)
		if known, err = store.Put(ctx, id, known, next); err == nil && known.Is(next) {
			return nil
		}
	}
	return errors.Join(err, ErrMoving)
}

// Undecided reports whether a call waits for a person to decide whether it was sent. With renamed it would be sent
// under another identity, of which nothing is known: then one that was sent may not be sent either.
func Undecided(ctx context.Context, store Store, id event.ID, renamed bool) (bool, error) {
	known, err := store.Get(ctx, id)
	if err != nil {
		return false, err
	}
	return known.State != NotSent && (known.State != Sent || renamed), nil
}
