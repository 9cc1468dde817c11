package deadletter

import (
	"context"
	"errors"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// Writer stores letters and what became of them.
type Writer interface {
	// Put makes one bounded attempt to store letters. Nil means that all are stored; after an error any of them may have been.
	// Errors match ErrMissing, ErrDenied, ErrNotEnoughReplicas, ErrFull, ErrTooLarge, ErrNotAFile or ErrUnreachable, or the context's
	// error.
	Put(ctx context.Context, letters ...event.FailedMessage) error
	// Resolve makes one bounded attempt to store resolutions, with the same errors.
	Resolve(ctx context.Context, resolutions ...Resolution) error
}

// Reader reads a dead-letter log.
type Reader interface {
	// Scan gives each the records from the start of the log to the end that stood when it began, partition by partition and in
	// order within each. Damaged and foreign records are given too, as they are. It ends at the first error of each.
	Scan(ctx context.Context, each func(Record) error) error
	// Read gives one record again. Reading at rising positions of a partition costs little more than a scan.
	Read(ctx context.Context, at Position) (Record, error)
}

// Locker keeps two replays of one log from running at once.
type Locker interface {
	// Lock returns ErrReplayRunning when another has shown that it holds the lock. It waits for a holder that may have died, whose
	// lock ends by itself; waiting is then called with the time by which that is over, once or more often.
	Lock(ctx context.Context, waiting func(until time.Time)) (*Lock, error)
}

// Store is a place for dead letters: a *Kafka, a *JetStream or a *File.
type Store interface {
	Writer
	Reader
	Locker

	// Ready is nil while the last attempt to store succeeded, or none was made, and otherwise says since when and why letters cannot
	// be stored. It names no address.
	Ready() error

	// Check proves that letters can be kept there. It makes the place if the configuration says so. Weak lists what an operator
	// should know, one sentence each, such as a retention that is shorter than a weekend; an error says why nothing can be kept.
	Check(ctx context.Context) (weak []string, err error)
}

// What a store can answer. They are told apart with errors.Is.
var (
	ErrMissing           = errors.New("the place for dead letters does not exist")
	ErrDenied            = errors.New("access to the dead letters is denied")
	ErrNotEnoughReplicas = errors.New("not enough replicas to store dead letters safely")
	ErrFull              = errors.New("no room is left for dead letters")
	ErrTooLarge          = errors.New("too large for the dead letters")
	ErrUnreachable       = errors.New("the dead letters cannot be reached")
	ErrNotAFile          = errors.New("not a regular file")
	ErrGone              = errors.New("the record is no longer in the log")
	ErrReplayRunning     = errors.New("another replay of these dead letters is running")
)
