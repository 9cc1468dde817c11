//go:build unix

package file

import (
	"errors"
	"os"
	"syscall"
)

// lockFile takes the whole file for this handle until it is closed. It returns errLocked where another has it.
func lockFile(file *os.File) error {
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EWOULDBLOCK):
			return errLocked
		default:
			return err
		}
	}
}
