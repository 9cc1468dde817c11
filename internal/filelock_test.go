//go:build unix

package internal_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/internal/filelock"
)

func open(t *testing.T, path string) *os.File {
	t.Helper()
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

func TestALockKeepsOtherHandlesOutUntilItIsClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first, second := open(t, path), open(t, path)
	if err := errors.Join(filelock.Lock(first), filelock.Lock(first)); err != nil {
		t.Fatal(err)
	}
	if err := filelock.Lock(second); !errors.Is(err, filelock.ErrLocked) {
		t.Errorf("got %v", err)
	}
	first.Close()
	if err := filelock.Lock(second); err != nil {
		t.Errorf("the lock is not free again: %v", err)
	}
}

func TestLockSoonWaitsForTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "lock")
		first, second := open(t, path), open(t, path)
		if err := filelock.Lock(first); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if err := filelock.LockSoon(t.Context(), second, time.Second); !errors.Is(err, filelock.ErrLocked) ||
			time.Since(begun) != time.Second {
			t.Errorf("got %v after %s", err, time.Since(begun))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := filelock.LockSoon(ctx, second, time.Second); !errors.Is(err, filelock.ErrLocked) {
			t.Errorf("got %v", err)
		}
		time.AfterFunc(500*time.Millisecond, func() { first.Close() })
		if err := filelock.LockSoon(t.Context(), second, time.Second); err != nil {
			t.Errorf("got %v", err)
		}
	})
}
