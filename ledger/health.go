package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"
)

// health remembers whether the store could be used.
type health struct {
	place string

	mu    sync.Mutex
	cause error // nil while the last attempt succeeded
	since time.Time
	last  time.Time // that it failed
}

// waitsAtMost is how long a call that waits for the store lets pass between two attempts, with room to spare.
const waitsAtMost = time.Minute

func (h *health) ready() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cause == nil || time.Since(h.last) > waitsAtMost { // what waited has gone to another replica
		return nil
	}
	return fmt.Errorf("%s: calls that may not be sent twice wait since %s: %w", h.place,
		h.since.UTC().Format(time.RFC3339), h.cause)
}

// note takes an attempt to use the store into account, and returns its error. The first failure of several, and the
// recovery, are logged. An attempt that its caller has given up on says nothing.
func (s *Sender) note(ctx context.Context, err error) error {
	h := &s.health
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err != nil && ctx.Err() != nil:
	case err != nil && h.cause == nil:
		h.cause, h.since, h.last = meaning(err), time.Now(), time.Now()
		s.log.Warn("the send ledger cannot be used; calls that may not be sent twice wait",
			zap.String("place", h.place), zap.Error(err))
	case err != nil:
		h.cause, h.last = meaning(err), time.Now()
	case h.cause != nil:
		h.cause = nil
		s.log.Info("the send ledger can be used again", zap.String("place", h.place))
	}
	return err
}

// meaning is what an error says in the package's own words.
func meaning(err error) error {
	for _, m := range []error{ErrMissing, ErrDenied, ErrFull, ErrUnfit, ErrRecord} {
		if errors.Is(err, m) {
			return m
		}
	}
	return ErrUnreachable
}
