//go:build unix

package deadletter

import (
	"errors"
	"os"
	"syscall"
)

// lockFile takes the whole file for this handle until it is closed. It waits where wait is set, and else returns errLocked.
func lockFile(file *os.File, wait bool) error {
	how := syscall.LOCK_EX
	if !wait {
		how |= syscall.LOCK_NB
	}
	for {
		err := syscall.Flock(int(file.Fd()), how)
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
