package retry

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// A Policy says how long to wait between tries, which failures are worth another one, and who is told. The zero value
// tries for ever, with pauses of half a second to one minute.
type Policy struct {
	// First is the pause after the first failure, and Longest the one that pauses grow to. Zero is the default of
	// package backoff. The pauses are all alike where First is Longest.
	First, Longest time.Duration
	// Growth is what a pause is multiplied with for the next; 1.5 if zero.
	Growth float64
	// Exact leaves the pauses as they are. Otherwise each is made shorter or longer by up to a half.
	Exact bool

	// Limit ends Do where the next try would begin later than this after the first one began. Zero means no limit.
	Limit time.Duration
	// Wake ends a pause of Do early with each value that it gives. It may be nil.
	Wake <-chan struct{}

	// Passing reports whether a failure may pass by itself. Nil means that all do but those marked with Permanent.
	Passing func(error) bool
	// Failing is told of the first of the failures in a row, if it is tried again. It may be nil.
	Failing func(err error)
	// Working is told of a success after failures. It may be nil. The streak is that of the failures.
	Working func(failures *Streak)
}

// Do tries until it works, and returns nil then. It gives up with the error of the last try when that is final, when
// the limit of the policy is reached, or when ctx has ended; a failure that comes with the end of ctx is told to
// nobody. There is always one try.
func Do(ctx context.Context, p Policy, try func(context.Context) error) error {
	streak, began := p.Streak(), time.Now()
	for {
		err := try(ctx)
		if err == nil {
			if streak.Count > 0 && p.Working != nil {
				p.Working(streak)
			}
			return nil
		}
		var permanent *backoff.PermanentError
		switch {
		case errors.As(err, &permanent):
			return permanent.Err
		case ctx.Err() != nil || p.Passing != nil && !p.Passing(err):
			return err
		}
		pause := streak.Failed()
		if p.Limit > 0 && time.Since(began)+pause > p.Limit {
			return err
		}
		if streak.Count == 1 && p.Failing != nil {
			p.Failing(err)
		}
		if !wait(ctx, pause, p.Wake) {
			return err
		}
	}
}

// Permanent marks an error that another try cannot mend. Do returns the error without the mark. Of nil it is nil.
func Permanent(err error) error { return backoff.Permanent(err) }

// IsPermanent reports whether an error bears that mark, for loops that are not Do.
func IsPermanent(err error) bool {
	var permanent *backoff.PermanentError
	return errors.As(err, &permanent)
}

// Sleep waits, and reports whether it did to the end: it returns false when ctx ends first.
func Sleep(ctx context.Context, pause time.Duration) bool { return wait(ctx, pause, nil) }

func wait(ctx context.Context, pause time.Duration, wake <-chan struct{}) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}
