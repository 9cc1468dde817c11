package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ciobridge/ciobridge/deadletter"
)

// Lock takes the lock file beside the letters, whose name ends in ".replay". The operating system frees it when the process dies, so
// that there is nothing to wait for.
func (f *Store) Lock(ctx context.Context, _ func(until time.Time)) (*deadletter.Lock, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	path := f.path + ".replay"
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("lock: %w", fileError(err))
	}
	if err := regular(path); err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", fileError(err))
	}
	if err := lockFile(file); err != nil {
		if errors.Is(err, errLocked) {
			err = fmt.Errorf("%s is locked: %w", path, deadletter.ErrReplayRunning)
		} else {
			err = fmt.Errorf("lock %s: %w", path, fileError(err))
		}
		return nil, errors.Join(err, file.Close())
	}
	return deadletter.NewLock(func() { _ = file.Close() }), nil
}

// lockSoon takes the whole file for this handle, and waits for another that has it until the limit.
func lockSoon(ctx context.Context, file *os.File, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := lockFile(file)
		if !errors.Is(err, errLocked) {
			return err
		}
		select {
		case <-time.After(lockPause):
		case <-ctx.Done():
			return err
		}
	}
}

// lockPause is how often a lock that another has is tried.
const lockPause = 5 * time.Millisecond

// errLocked means that another process, or another handle of this one, has the lock.
var errLocked = errors.New("locked by another")
