package delivery

import (
	"time"

	"github.com/cenkalti/backoff/v4"
)

// The backoff doubles from 1 s to 6.5 s; backoff adds its jitter of up to a half after the cap. The breaker's counts
// from the beginning of the request that failed, so that probes begin 9.75 s apart at most, or the time-out of one that
// hangs.
const (
	firstBackoff   = time.Second
	largestBackoff = 6500 * time.Millisecond
)

// newBackoff makes one that never gives up.
func newBackoff() *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(firstBackoff),
		backoff.WithMultiplier(2),
		backoff.WithMaxInterval(largestBackoff),
		backoff.WithMaxElapsedTime(0),
	)
}
