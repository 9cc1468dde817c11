package deadletter

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Hold is the right to replay. It lasts until Release, unless it is lost before.
type Hold struct {
	lost    chan struct{}
	release func()

	mu    sync.Mutex
	until time.Time // zero: needs no renewal
}

// Lost closes when the right is lost: another replay may begin.
func (h *Hold) Lost() <-chan struct{} { return h.lost }

// Until is the time up to which the right is certain. It moves forward while the store answers; zero means for good.
func (h *Hold) Until() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.until
}

// Release gives the right up and waits until what kept it has ended.
func (h *Hold) Release() { h.release() }

// Waiting tells the log that a lock is waited for.
func Waiting(log *zap.Logger) func(until time.Time) {
	return func(until time.Time) {
		log.Warn("another replay holds the lock of these dead letters, or was killed while it held it; waiting",
			zap.Time("until", until))
	}
}

// errLockLost is what renew returns when the store says that another has the lock.
var errLockLost = errors.New("the lock of the replay is lost")

// keep holds a lock that was taken at proof and lasts for session after every renewal. It renews four times a session. An error
// other than errLockLost means that the store did not answer, which loses the lock only when the session is over.
func keep(ctx context.Context, proof time.Time, session time.Duration, renew func(context.Context) error, release func(context.Context)) *Hold {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h := &Hold{lost: make(chan struct{}), until: proof.Add(session)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if !h.renewing(ctx, session, renew) {
			close(h.lost)
		}
	}()
	h.release = sync.OnceFunc(func() {
		cancel()
		<-ended
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), session/2)
		defer cancel()
		release(ctx)
	})
	return h
}

// renewing renews until ctx ends. It returns false when the lock is lost.
func (h *Hold) renewing(ctx context.Context, session time.Duration, renew func(context.Context) error) bool {
	tick := time.NewTicker(session / 4)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return true
		case <-tick.C:
		}
		sent := time.Now()
		if sent.After(h.Until()) {
			return false
		}
		attempt, cancel := context.WithDeadline(ctx, h.Until())
		err := renew(attempt)
		cancel()
		switch {
		case ctx.Err() != nil:
			return true
		case err == nil:
			h.mu.Lock()
			h.until = sent.Add(session)
			h.mu.Unlock()
		case errors.Is(err, errLockLost):
			return false
		}
	}
}
