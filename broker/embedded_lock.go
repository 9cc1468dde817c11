package broker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ciobridge/ciobridge/internal/filelock"
)

// lockDir makes dir if need be and takes it for this process, for as long as the file that it returns is open. The
// kernel lets go of the lock when the process ends, however it ends.
func lockDir(dir string) (*os.File, error) {
	if !filelock.Supported {
		return nil, errors.New("the embedded server needs a Unix system: use a nats-server of its own")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the embedded server's directory: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("look at the embedded server's directory: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the embedded server's directory %s has mode %04o and would show events to other "+
			"users: run chmod 700 on it", dir, info.Mode().Perm())
	}
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the embedded server's directory: %w", err)
	}
	if err := filelock.Lock(file); err != nil {
		if errors.Is(err, filelock.ErrLocked) {
			err = fmt.Errorf("another process uses %s: stop it, or give this one a directory of its own", dir)
		}
		return nil, errors.Join(fmt.Errorf("lock the embedded server's directory: %w", err), file.Close())
	}
	return file, nil
}

// unlockDir lets go of a directory.
func unlockDir(file *os.File) {
	_ = filelock.Unlock(file) // closing it unlocks it too
	file.Close()              // there is nothing in it to lose
}

// Served reports whether another process may serve a directory: it does not where there is no lock, or nobody has it.
func Served(dir string) bool {
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR, 0)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	defer file.Close()
	if filelock.Lock(file) != nil {
		return true
	}
	return filelock.Unlock(file) != nil
}
