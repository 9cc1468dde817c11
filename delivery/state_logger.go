package delivery

import (
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/customerio"
)

// stateLogger tells operators how the destination is doing. Every change reaches the metrics. The log has a line
// when the condition changes, and one for each cause that joins while it lasts, but a destination that fails only now
// and then has one a minute.
type stateLogger struct {
	log     *zap.Logger
	metrics *destinationMetrics

	warned   time.Time          // when the log last said that the destination fails
	logged   bool               // the log's last word is that it fails
	named    []customerio.Cause // of the failures since it last answered, as far as they are in the log
	unplaced time.Time          // when the log last told of refusals of no call
}

// A failure that comes within a minute of the last line is logged when this many requests have failed in a row.
const (
	failuresToLog = 3
	logInterval   = time.Minute
)

// logUnplaced tells, once a minute at most, that an answer refused calls that its request did not have.
func (l *stateLogger) logUnplaced(n, calls, status int) {
	l.metrics.all.unplaced.Add(float64(n))
	if now := time.Now(); now.Sub(l.unplaced) >= logInterval {
		l.unplaced = now
		l.log.Warn("customer.io refuses calls that the request did not have; what it does not name counts as accepted",
			zap.Int("refusals", n), zap.Int("calls", calls), zap.Int("status", status))
	}
}

// stateChanged is called for every change, one call at a time and in order.
func (l *stateLogger) stateChanged(before, after State) {
	l.metrics.stateChanged(before, after)
	fields := []zap.Field{
		zap.String("trouble", string(after.Cause)), zap.Int("status", after.Status),
		zap.Time("next_attempt", after.RetryAt),
	}
	switch after.Condition {
	case OK:
		if l.logged {
			l.log.Info("customer.io answers again", zap.String("trouble", string(before.Cause)),
				zap.Int("failures", before.Failures), zap.Duration("after", after.Since.Sub(before.Since)))
		}
		l.logged, l.named = false, nil
	case Halted:
		if before.Condition != Halted {
			l.log.Error("customer.io refuses every request, holding all calls until it is mended", fields...)
		}
		l.logged = true
	case BackingOff:
		isNew := l.logged && before.Condition == BackingOff && !slices.Contains(l.named, after.Cause)
		if before.Condition == Halted || isNew || !l.logged &&
			(after.Failures >= failuresToLog || time.Since(l.warned) >= logInterval) {
			l.log.Warn("customer.io fails, waiting", fields...)
			l.warned, l.logged, l.named = time.Now(), true, append(l.named, after.Cause)
		}
	}
}
