// Package filelock is the lock on a file that keeps other processes out, and that the operating system lets go of when
// the process ends, however it ends.
//
// A lock belongs to one open file, not to the process: two handles of the same file, even in one process, keep each
// other out. It is held until that handle is closed. There is nothing to clean up after a crash. A system without such
// locks has none here either, rather than one that a killed process would leave behind; see Supported.
//
// The package starts no goroutine and holds no state of its own.
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
