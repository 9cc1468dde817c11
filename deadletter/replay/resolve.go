package replay

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/internal/retry"
)

const (
	resolveEvery = 500 * time.Millisecond
	resolveBatch = 100 // resolutions of one write
)

// wakeUp asks for resolutions to be written.
func (r *Replay) wakeUp() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// writePending writes some of the pending resolutions, if there are any. What cannot be written stays pending. The
// first failure and the recovery are logged.
func (r *Replay) writePending(ctx context.Context) error {
	r.mu.Lock()
	n := min(len(r.pending), resolveBatch)
	batch := r.pending[:n:n]
	r.mu.Unlock()
	if n == 0 {
		return nil
	}
	err := r.store.Resolve(ctx, batch...)
	if failing := err != nil; failing != r.failing && ctx.Err() == nil {
		r.failing = failing
		if failing {
			r.log.Warn("what was replayed cannot be noted in the dead letters; trying again", zap.Error(err))
		} else {
			r.log.Info("what was replayed is noted in the dead letters again")
		}
	}
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.pending = r.pending[n:]
	left := len(r.pending) > 0
	r.mu.Unlock()
	if left {
		r.wakeUp()
	}
	return nil
}

// writeRest writes all pending resolutions. It tries again for as long as the drain limit allows.
func (r *Replay) writeRest(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.opts.Drain)
	defer cancel()
	again := retry.Policy{First: resolveEvery, Longest: resolveEvery, Exact: true}
	err := retry.Do(ctx, again, func(ctx context.Context) error {
		for left, _ := r.unresolved(); left > 0; left, _ = r.unresolved() {
			if err := r.writePending(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		return nil
	}
	left, sentAgain := r.unresolved()
	r.count(func(progress *Progress) { progress.Unresolved = sentAgain })
	return fmt.Errorf("replay: what became of %d letters could not be noted; %d of them would be sent again: %w",
		left, sentAgain, err)
}

// unresolved counts the letters whose resolutions are pending, and those of them that the next replay would send again.
func (r *Replay) unresolved() (left, delivered int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.pending {
		n := len(r.pending[i].Letters)
		left += n
		if r.pending[i].Kind != deadletter.FailedAgain {
			delivered += n
		}
	}
	return left, delivered
}
