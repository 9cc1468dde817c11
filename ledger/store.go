package ledger

import (
	"context"
	"errors"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// Store keeps the records of calls. It may be used from several goroutines, and several processes may have the same
// one. Each method makes one bounded attempt; its errors match one of those below, or the context's.
type Store interface {
	// Get gives the record of a call, or the zero Record where there is none. It may be one that has been followed
	// since: Put finds out.
	Get(ctx context.Context, id event.ID) (Record, error)
	// Put stores next durably as what follows prev, and gives the record that stands then: next, or the one that
	// another has put there meanwhile. After an error, next may have been stored, or may be yet.
	Put(ctx context.Context, id event.ID, prev, next Record) (Record, error)
	// Forgotten is a time before which records may have been forgotten.
	Forgotten() time.Time
	// Check makes the place if the configuration says so, reads what is there, and proves that it can be used. Weak
	// lists what an operator should know, one sentence each.
	Check(ctx context.Context) (weak []string, err error)
	// Place names where the records are, such as "topic ciobridge.ledger".
	Place() string
}

// What a store can answer. They are told apart with errors.Is.
var (
	ErrMissing     = errors.New("the place for the send ledger does not exist")
	ErrDenied      = errors.New("access to the send ledger is denied")
	ErrFull        = errors.New("no room is left in the send ledger")
	ErrUnfit       = errors.New("the place cannot keep a send ledger")
	ErrUnreachable = errors.New("the send ledger cannot be reached")
)

// missingLimit is how long a place that is missing may be one that was just made.
const missingLimit = 10 * time.Second

// Passing reports whether an error of Check may pass by itself when it has lasted for so long.
func Passing(err error, lasted time.Duration) bool {
	return errors.Is(err, ErrUnreachable) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, ErrMissing) && lasted < missingLimit
}
