package retry

import (
	"time"

	"github.com/cenkalti/backoff/v4"
)

// A Streak is the failures of one thing in a row. Failed and Worked tell it what came of each try. It is not safe for
// concurrent use.
type Streak struct {
	Count int       // of failures since it last worked
	Since time.Time // the first of them; zero while all is well

	pauses *backoff.ExponentialBackOff
}

// Streak begins to follow something that works. Of the policy only what concerns the pauses counts.
func (p Policy) Streak() *Streak {
	options := []backoff.ExponentialBackOffOpts{backoff.WithMaxElapsedTime(0)}
	if p.First > 0 {
		options = append(options, backoff.WithInitialInterval(p.First))
	}
	if p.Longest > 0 {
		options = append(options, backoff.WithMaxInterval(p.Longest))
	}
	if p.Growth > 0 {
		options = append(options, backoff.WithMultiplier(p.Growth))
	}
	if p.Exact {
		options = append(options, backoff.WithRandomizationFactor(0))
	}
	return &Streak{pauses: backoff.NewExponentialBackOff(options...)}
}

// Failed notes a failure, and returns how long to wait before the next try.
func (s *Streak) Failed() time.Duration {
	if s.Count == 0 {
		s.Since = time.Now()
	}
	s.Count++
	return s.pauses.NextBackOff()
}

// Worked notes a success, after which pauses are short again. It reports whether there were failures before.
func (s *Streak) Worked() bool {
	if s.Count == 0 {
		return false
	}
	s.Count, s.Since = 0, time.Time{}
	s.pauses.Reset()
	return true
}
