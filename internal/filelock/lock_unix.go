//go:build unix

package filelock

import (
	"errors"
	"os"
	"syscall"
)

// Supported reports whether the system has such locks.
const Supported = true

// Lock takes the whole file for this handle until it is closed. It returns ErrLocked where another has it.
func Lock(file *os.File) error {
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EWOULDBLOCK):
			return ErrLocked
		default:
			return err
		}
	}
}

// Unlock lets go of a lock that Lock took. Closing the file does that too, but only when no program that is just being
// started has the file still.
func Unlock(file *os.File) error { return syscall.Flock(int(file.Fd()), syscall.LOCK_UN) }
