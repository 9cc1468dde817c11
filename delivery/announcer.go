package delivery

import (
	"time"

	"go.uber.org/zap"
)

// announcer tells operators how the destination is doing. Every change reaches the metrics. The log has a line when the
// condition changes, but a destination that only stumbles now and then has one a minute.
type announcer struct {
	log     *zap.Logger
	metrics *metrics

	warned    time.Time // when the log last said that the destination fails
	announced bool      // the log's last word is that it fails
	unplaced  time.Time // when the log last told of refusals of no call
}

// A failure that comes within a minute of the last line is announced when this many requests have failed in a row.
const (
	stumbles = 3
	stumble  = time.Minute
)

// misplaced tells, once a minute at most, that an answer refused calls that its request did not have.
func (a *announcer) misplaced(n, calls, status int) {
	a.metrics.unplaced.Add(float64(n))
	if now := time.Now(); now.Sub(a.unplaced) >= stumble {
		a.unplaced = now
		a.log.Warn("customer.io refuses calls that the request did not have; what it does not name counts as accepted",
			zap.Int("refusals", n), zap.Int("calls", calls), zap.Int("status", status))
	}
}

// observe is called for every change, one call at a time and in order.
func (a *announcer) observe(before, after State) {
	a.metrics.become(before, after)
	fields := []zap.Field{
		zap.String("trouble", string(after.Cause)), zap.Int("status", after.Status), zap.Time("next_attempt", after.RetryAt),
	}
	switch after.Condition {
	case OK:
		if a.announced {
			a.log.Info("customer.io answers again", zap.String("trouble", string(before.Cause)),
				zap.Int("failures", before.Failures), zap.Duration("after", after.Since.Sub(before.Since)))
		}
		a.announced = false
	case Halted:
		if before.Condition != Halted {
			a.log.Error("customer.io refuses every request, holding all calls until it is mended", fields...)
		}
		a.announced = true
	case BackingOff:
		if before.Condition == Halted || !a.announced && (after.Failures >= stumbles || time.Since(a.warned) >= stumble) {
			a.log.Warn("customer.io fails, waiting", fields...)
			a.warned, a.announced = time.Now(), true
		}
	}
}
