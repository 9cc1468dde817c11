package filelock

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/ciobridge/ciobridge/internal/retry"
)

// ErrLocked means that another process, or another handle of this one, has the lock.
var ErrLocked = errors.New("locked by another")

// pause is how often LockSoon tries.
const pause = 5 * time.Millisecond

// LockSoon is Lock, but waits for another that has the lock until the limit is over or ctx has ended.
func LockSoon(ctx context.Context, file *os.File, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	again := retry.Policy{
		First: pause, Longest: pause, Exact: true,
		Passing: func(err error) bool { return errors.Is(err, ErrLocked) },
	}
	return retry.Do(ctx, again, func(context.Context) error { return Lock(file) })
}
