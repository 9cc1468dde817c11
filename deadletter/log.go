package deadletter

import (
	"context"
	"errors"
)

// Reader reads a dead-letter log.
type Reader interface {
	// Scan gives each the records from the start of the log to the end that stood when it began, partition by partition
	// and in order within each. Damaged and foreign records are given too, as they are. It ends at the first error of
	// each.
	Scan(ctx context.Context, each func(Record) error) error
	// Read gives one record again. Reading at rising positions of a partition costs little more than a scan.
	Read(ctx context.Context, at Position) (Record, error)
}

// Resolver is a log that takes resolutions.
type Resolver interface {
	Reader
	// Resolve makes one bounded attempt to store resolutions. Its errors are those of a store's Put.
	Resolve(ctx context.Context, resolutions ...Resolution) error
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
