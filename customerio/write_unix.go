//go:build unix

package customerio

import (
	"errors"
	"syscall"
)

// writeWhile writes as long as it may, which it asks right before every call of the system. A write that waits for the
// other side to take something asks again when that has happened.
func (c *wireConn) writeWhile(may func() bool, p []byte) (n int, err error) {
	closed := c.raw.Write(func(fd uintptr) (done bool) {
		for n < len(p) {
			if !may() {
				err = errLate
				return true
			}
			written, failure := syscall.Write(int(fd), p[n:])
			switch {
			case errors.Is(failure, syscall.EAGAIN):
				return false
			case errors.Is(failure, syscall.EINTR):
			case failure != nil:
				err = failure
				return true
			default:
				n += written
			}
		}
		return true
	})
	if err == nil {
		err = closed
	}
	return n, err
}
