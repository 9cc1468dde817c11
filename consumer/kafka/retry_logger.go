package kafka

import (
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"go.uber.org/zap"
)

// retryLogger logs that something has begun to fail and that it works again, but not every attempt in between, and says how long to
// wait before the next one. It is safe for concurrent use.
type retryLogger struct {
	log    *zap.Logger
	doing  string
	count  func(reason string)
	mu     sync.Mutex
	pause  *backoff.ExponentialBackOff
	reason string // empty while all is well
	since  time.Time
	tries  int
}

func newRetryLogger(log *zap.Logger, doing string, count func(reason string)) *retryLogger {
	pause := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(100*time.Millisecond),
		backoff.WithMaxInterval(5*time.Second),
		backoff.WithMaxElapsedTime(0),
	)
	return &retryLogger{log: log, doing: doing, count: count, pause: pause}
}

// failed counts a failure and returns the time to wait. A refused authentication is not repeated within a second.
func (t *retryLogger) failed(err error) time.Duration {
	reason := reasonOf(err)
	t.count(reason)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reason == "" {
		t.since = time.Now()
	}
	t.tries++
	if t.reason != reason {
		t.log.Warn("kafka trouble", zap.String("doing", t.doing), zap.String("reason", reason), zap.Error(err))
	}
	t.reason = reason
	wait := t.pause.NextBackOff()
	if reason == reasonAuth {
		wait = max(wait, time.Second)
	}
	return wait
}

// succeeded notes that it works.
func (t *retryLogger) succeeded() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reason == "" {
		return
	}
	t.log.Info("kafka trouble over", zap.String("doing", t.doing), zap.Int("tries", t.tries), zap.Duration("lasted", time.Since(t.since)))
	t.reason, t.tries = "", 0
	t.pause.Reset()
}
