package deadletter

import (
	"time"

	"go.uber.org/zap"
)

// LogWaiting returns a function for a store's Lock, which logs that another holds the lock.
func LogWaiting(log *zap.Logger) func(until time.Time) {
	return func(until time.Time) {
		log.Warn("another replay holds the lock of these dead letters, or was killed while it held it; waiting",
			zap.Time("until", until))
	}
}

// Running is what a store's Lock makes of another holder that lives: it is not waited for.
func Running() error { return ErrReplayRunning }
