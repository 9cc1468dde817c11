package consumer

import (
	"errors"
	"fmt"
)

// The ways in which a turn of reading ends. They are not failures: the next turn goes on at the floor.
var (
	errPinLost        = errors.New("another reader has the stream")
	errDisconnected   = errors.New("the connection broke")
	errUnproven       = errors.New("the server did not confirm the right to read in time")
	errSilent         = errors.New("the server went silent")
	errConsumerGone   = errors.New("the consumer is gone")
	errMadeAgain      = errors.New("the stream was deleted and made again: it is read from its beginning")
	errMoved          = errors.New("the consumer moved to another server")
	errOutOfTurn      = errors.New("a delivery did not follow the one before")
	errFloorMoved     = errors.New("messages were purged or acknowledged by others while reading began")
	errFloorWentBack  = errors.New("the acknowledgement floor went back")
	errShared         = errors.New("the partition is another replica's share")
	errRequestRefused = errors.New("the server refuses requests for messages")
)

// stopError marks an error that waiting does not mend.
type stopError struct{ err error }

func (e *stopError) Error() string { return e.err.Error() }
func (e *stopError) Unwrap() error { return e.err }

func stopf(format string, args ...any) error { return &stopError{fmt.Errorf(format, args...)} }
