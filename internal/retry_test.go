package internal_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/internal/retry"
)

var errAway = errors.New("nobody answers")

// tryFailing is a try that fails n times, and notes when it was made.
func tryFailing(n int, made *[]time.Duration) func(context.Context) error {
	began := time.Now()
	return func(context.Context) error {
		*made = append(*made, time.Since(began))
		if len(*made) > n {
			return nil
		}
		return fmt.Errorf("try %d: %w", len(*made), errAway)
	}
}

func TestDoTriesUntilItWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made []time.Duration
		var told []error
		var streak retry.Streak
		err := retry.Do(t.Context(), retry.Policy{
			First: time.Second, Longest: 5 * time.Second, Growth: 2, Exact: true,
			Failing: func(err error) { told = append(told, err) },
			Working: func(failures *retry.Streak) { streak = *failures },
		}, tryFailing(5, &made))
		if err != nil {
			t.Fatal(err)
		}
		want := []time.Duration{0, time.Second, 3 * time.Second, 7 * time.Second, 12 * time.Second, 17 * time.Second}
		if !slices.Equal(made, want) {
			t.Errorf("tries at %v, want %v", made, want)
		}
		if len(told) != 1 || told[0].Error() != "try 1: nobody answers" {
			t.Errorf("told of %v, want the first failure only", told)
		}
		if streak.Count != 5 || time.Since(streak.Since) != 17*time.Second {
			t.Errorf("told of %d failures that lasted %v, want 5 and 17s", streak.Count, time.Since(streak.Since))
		}
	})
}

// A success at once is told to nobody.
func TestDoSaysNothingOfSuccess(t *testing.T) {
	p := retry.Policy{
		Failing: func(err error) { t.Errorf("told of %v", err) },
		Working: func(*retry.Streak) { t.Error("told of a recovery from nothing") },
	}
	if err := retry.Do(t.Context(), p, func(context.Context) error { return nil }); err != nil {
		t.Error(err)
	}
}

// A final failure is neither tried again nor told: it is the caller's error.
func TestDoGivesUp(t *testing.T) {
	for name, c := range map[string]struct {
		passing func(error) bool
		mark    func(error) error
	}{
		"marked":      {nil, retry.Permanent},
		"wrapped":     {nil, func(err error) error { return fmt.Errorf("look: %w", retry.Permanent(err)) }},
		"not passing": {func(err error) bool { return !errors.Is(err, errAway) }, func(err error) error { return err }},
	} {
		t.Run(name, func(t *testing.T) {
			tries := 0
			p := retry.Policy{Passing: c.passing, Failing: func(err error) { t.Errorf("told of %v", err) }}
			err := retry.Do(t.Context(), p, func(context.Context) error {
				tries++
				return c.mark(errAway)
			})
			if !errors.Is(err, errAway) || tries != 1 {
				t.Errorf("%v after %d tries, want %v after one", err, tries, errAway)
			}
		})
	}
	if err := retry.Permanent(nil); err != nil {
		t.Errorf("the mark of no error is %v", err)
	}
}

// The error is that of the last try, also when the context ends in a pause or in a try.
func TestDoEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		var made []time.Duration
		err := retry.Do(ctx, retry.Policy{First: time.Second, Longest: time.Second, Exact: true}, tryFailing(9, &made))
		if err == nil || err.Error() != "try 3: nobody answers" ||
			!errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			t.Errorf("%v with context %v, want the error of the third try", err, ctx.Err())
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	p := retry.Policy{Failing: func(err error) { t.Errorf("told of %v, which is only the end", err) }}
	err := retry.Do(ctx, p, func(ctx context.Context) error {
		cancel()
		return fmt.Errorf("dial: %w", ctx.Err())
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// No pause is begun that would end after the limit.
func TestDoLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made []time.Duration
		p := retry.Policy{First: time.Second, Longest: 8 * time.Second, Growth: 2, Exact: true, Limit: 10 * time.Second}
		began := time.Now()
		if err := retry.Do(t.Context(), p, tryFailing(9, &made)); !errors.Is(err, errAway) {
			t.Error(err)
		}
		if len(made) != 4 || time.Since(began) != 7*time.Second {
			t.Errorf("%d tries in %v, want 4 in 7s: the next pause would end at 15s", len(made), time.Since(began))
		}
	})
}

func TestDoWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wake := make(chan struct{}, 1)
		time.AfterFunc(3*time.Second, func() { wake <- struct{}{} })
		var made []time.Duration
		p := retry.Policy{First: time.Minute, Longest: time.Minute, Exact: true, Wake: wake}
		if err := retry.Do(t.Context(), p, tryFailing(2, &made)); err != nil {
			t.Fatal(err)
		}
		if want := []time.Duration{0, 3 * time.Second, 63 * time.Second}; !slices.Equal(made, want) {
			t.Errorf("tries at %v, want %v", made, want)
		}
	})
}

// Pauses are varied by up to a half, and begin anew after a success.
func TestStreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := retry.Policy{First: time.Second, Longest: 4 * time.Second}.Streak()
		if s.Worked() || !s.Since.IsZero() {
			t.Error("a new streak has failures")
		}
		for range 3 {
			base := time.Second
			for i := range 20 {
				if got := s.Failed(); got < base/2 || got > base*3/2 {
					t.Errorf("pause %d is %v, want %v give or take a half", i+1, got, base)
				}
				base = min(base*3/2, 4*time.Second)
				time.Sleep(time.Second)
			}
			if s.Count != 20 || time.Since(s.Since) != 20*time.Second {
				t.Errorf("%d failures since %v, want 20 in 20s", s.Count, time.Since(s.Since))
			}
			if !s.Worked() || s.Count != 0 || !s.Since.IsZero() {
				t.Error("the streak does not end with a success")
			}
		}
	})
}

func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		if !retry.Sleep(ctx, 3*time.Second) || time.Since(began) != 3*time.Second {
			t.Errorf("slept %v, want 3s", time.Since(began))
		}
		if retry.Sleep(ctx, 3*time.Second) || time.Since(began) != 5*time.Second {
			t.Errorf("slept until %v, want 5s, when the context ended", time.Since(began))
		}
	})
}
