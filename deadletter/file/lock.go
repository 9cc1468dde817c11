package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ciobridge/ciobridge/broker/lock"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/internal/filelock"
)

// Lock takes the lock file beside the letters, whose name ends in ".replay". The operating system frees it when the
// process dies, so that there is nothing to wait for.
func (f *Store) Lock(ctx context.Context, _ func(until time.Time)) (*lock.Lock, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := lockable(); err != nil {
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
	if err := filelock.Lock(file); err != nil {
		if errors.Is(err, filelock.ErrLocked) {
			err = fmt.Errorf("%s is locked: %w", path, deadletter.ErrReplayRunning)
		} else {
			err = fmt.Errorf("lock %s: %w", path, fileError(err))
		}
		return nil, errors.Join(err, file.Close())
	}
	return lock.New(func() { _ = file.Close() }), nil
}
