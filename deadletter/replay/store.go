package replay

import (
	"context"
	"time"

	"github.com/ciobridge/ciobridge/broker/lock"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
)

// Store is the log of dead letters that a replay works on.
type Store interface {
	deadletter.Resolver
	// Put makes one bounded attempt to store failed messages as letters. Nil means that all are stored; after an error
	// any of them may have been. Errors match ErrMissing, ErrDenied, ErrNotEnoughReplicas, ErrFull, ErrTooLarge,
	// ErrNotAFile or ErrUnreachable, or the context's error.
	Put(ctx context.Context, failed ...event.FailedMessage) error
	// Lock keeps two replays of one log from running at once. It returns ErrReplayRunning when another has shown that
	// it holds the lock. It waits for a holder that may have died, whose lock ends by itself; waiting is then called
	// with the time by which that is over, once or more often.
	Lock(ctx context.Context, waiting func(until time.Time)) (*lock.Lock, error)
}
