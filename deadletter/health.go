package deadletter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Health remembers whether letters can be stored.
type Health struct {
	Place string // such as "topic ciobridge.dead"

	mu    sync.Mutex
	cause error // nil while the last attempt to store succeeded
	since time.Time
}

// Note takes the outcome of an attempt to store into account. An attempt that its caller has given up on says nothing.
func (h *Health) Note(ctx context.Context, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil && ctx.Err() != nil {
		return
	}
	if err != nil && h.cause == nil {
		h.since = time.Now()
	}
	h.cause = meaning(err)
}

// Ready is nil while the last attempt to store letters or resolutions succeeded, or none was made, and otherwise says
// since when and why they cannot be stored. It names the place and no address, so that it can be shown to anybody.
func (h *Health) Ready() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cause == nil {
		return nil
	}
	return fmt.Errorf("%s: nothing could be stored since %s: %w", h.Place, h.since.UTC().Format(time.RFC3339), h.cause)
}

// meaning is what an error says in the package's own words.
func meaning(err error) error {
	if err == nil {
		return nil
	}
	for _, m := range []error{ErrMissing, ErrDenied, ErrNotEnoughReplicas, ErrFull, ErrTooLarge, ErrNotAFile} {
		if errors.Is(err, m) {
			return m
		}
	}
	return ErrUnreachable
}

// missingLimit is how long a place that is missing may be one that was just made: brokers tell each other of a new
// topic, and clients keep what they know of topics for some seconds.
const missingLimit = 10 * time.Second

// Passing reports whether an error of Check may pass by itself when it has lasted for so long: while the place cannot
// be reached, and for the first ten seconds while it is missing.
func Passing(err error, lasted time.Duration) bool {
	return errors.Is(err, ErrUnreachable) || errors.Is(err, ErrMissing) && lasted < missingLimit
}
