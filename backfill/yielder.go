package backfill

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/internal/retry"
)

// lookEvery is how often it is looked how far those who read the source live are behind.
const lookEvery = 5 * time.Second

// yielder holds a backfill back while those who read the source live are behind.
type yielder struct {
	backfill *Backfill
	every    time.Duration
	failed   bool // the last look

	mu sync.Mutex
	on chan struct{} // closed when the backfill may go on; nil while it may
}

// run looks again and again until ctx ends.
func (y *yielder) run(ctx context.Context) {
	for retry.Sleep(ctx, y.every) {
		y.look(ctx)
	}
}

// look asks how far they are behind. Partitions that nobody has read live do not count. Where it cannot be asked the
// backfill goes on.
func (y *yielder) look(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, noteLimit)
	defer cancel()
	offsets, err := y.backfill.log.Offsets(limited)
	if ctx.Err() != nil {
		return
	}
	logger := y.backfill.logger
	if err != nil && !y.failed {
		logger.Warn("it cannot be asked how far the bridge is, and the backfill does not wait for it", zap.Error(err))
	}
	y.failed = err != nil
	var behind int64
	for _, o := range offsets {
		if o.Committed >= 0 {
			behind += o.Lag()
		}
	}
	most := y.backfill.options.LiveLag
	y.mu.Lock()
	waits := y.on != nil
	switch {
	case behind > most && !waits:
		y.on = make(chan struct{})
		logger.Warn("the bridge is behind, and the backfill waits for it: --live-lag 0 does not",
			zap.Int64("messages", behind), zap.Int64("live_lag", most))
	case behind <= most && waits:
		close(y.on)
		y.on = nil
		logger.Info("the bridge has caught up, and the backfill goes on", zap.Int64("messages", behind))
	}
	waits = y.on != nil
	y.mu.Unlock()
	y.backfill.mu.Lock()
	y.backfill.behind = 0
	if waits {
		y.backfill.behind = behind
	}
	y.backfill.mu.Unlock()
}

// wait waits until the backfill may go on. A nil yielder never waits.
func (y *yielder) wait(ctx context.Context) error {
	if y == nil {
		return nil
	}
	y.mu.Lock()
	on := y.on
	y.mu.Unlock()
	if on == nil {
		return nil
	}
	select {
	case <-on:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
