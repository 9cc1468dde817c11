package jetstream

import (
	"context"
	"errors"
	"fmt"
)

// The ways in which a session ends, or cannot begin. They are not failures: the next session goes on at the
// committable offset.
var (
	errPinLost         = errors.New("another reader has the stream")
	errDisconnected    = errors.New("the connection broke")
	errPinUnproven     = errors.New("the server did not confirm the right to read in time")
	errSilent          = errors.New("the server went silent")
	errConsumerGone    = errors.New("the consumer is gone")
	errStreamRecreated = errors.New("the stream was deleted and made again: it is read from its beginning")
	errLeaderMoved     = errors.New("the consumer moved to another server")
	errOutOfOrder      = errors.New("a delivery did not follow the one before")
	errFloorMoved      = errors.New("messages were purged or acknowledged by others while reading began")
	errFloorWentBack   = errors.New("the acknowledgement floor went back")
	errReassigned      = errors.New("the partition is another replica's share")
	errRequestRefused  = errors.New("the server refuses requests for messages")
)

// fatalError marks an error that waiting does not mend. It ends the source.
type fatalError struct{ err error }

func (e *fatalError) Error() string { return e.err.Error() }
func (e *fatalError) Unwrap() error { return e.err }

func fatalf(format string, args ...any) error { return &fatalError{fmt.Errorf(format, args...)} }

func isFatal(err error) bool {
	fatal := (*fatalError)(nil)
	return errors.As(err, &fatal)
}

type endCause struct{ err error }

// end ends the session for the given reason, unless it ends already. What is in flight may finish if the pin
// certainly stays ours. Otherwise another replica may read now, so no attempt to send begins from here on.
func (s *session) end(err error) {
	if !s.endCause.CompareAndSwap(nil, &endCause{err}) {
		return
	}
	if !keepsPin(err) {
		s.lease.Lose()
	}
	s.lease.Revoke(s.r.cfg.DrainLimit)
}

// keepsPin reports whether a session that ends for this reason keeps its pin until it is released.
func keepsPin(err error) bool {
	return isFatal(err) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, errFloorWentBack) || errors.Is(err, errReassigned)
}

// cause is why the session ends, nil while it does not.
func (s *session) cause() error {
	if c := s.endCause.Load(); c != nil {
		return c.err
	}
	return nil
}
