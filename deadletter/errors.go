package deadletter

import "errors"

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
