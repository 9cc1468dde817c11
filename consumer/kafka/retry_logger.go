package kafka

import (
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/internal/retry"
)

// retryLogger logs that something has begun to fail and that it works again, but not every try in between, and says how
// long to wait before the next one. It is safe for concurrent use.
type retryLogger struct {
	log   *zap.Logger
	doing string
	count func(reason string)

	mu     sync.Mutex
	streak *retry.Streak
	reason string // of the last failure; empty while all is well
}

func newRetryLogger(log *zap.Logger, doing string, count func(reason string)) *retryLogger {
	pauses := retry.Policy{First: 100 * time.Millisecond, Longest: 5 * time.Second}
	return &retryLogger{log: log, doing: doing, count: count, streak: pauses.Streak()}
}

// failed counts a failure and returns the time to wait. A refused authentication is not repeated within a second.
func (r *retryLogger) failed(err error) time.Duration {
	reason := reasonOf(err)
	r.count(reason)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reason != reason {
		r.log.Warn("kafka trouble", zap.String("doing", r.doing), zap.String("reason", reason), zap.Error(err))
	}
	r.reason = reason
	wait := r.streak.Failed()
	if reason == reasonAuth {
		wait = max(wait, time.Second)
	}
	return wait
}

// succeeded notes that it works.
func (r *retryLogger) succeeded() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.streak.Count == 0 {
		return
	}
	r.log.Info("kafka trouble over", zap.String("doing", r.doing), zap.Int("tries", r.streak.Count),
		zap.Duration("lasted", time.Since(r.streak.Since)))
	r.streak.Worked()
	r.reason = ""
}
