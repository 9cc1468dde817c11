//go:build unix

package customerio

import (
	"errors"
	"sync"
	"syscall"
)

// pendingWrite is a write under way, of one at a time. It belongs to the connection, and step is made once for it,
// because what a call of the system is given in a function would be allocated for each write of each request.
type pendingWrite struct {
	mu   sync.Mutex
	step func(fd uintptr) (done bool)

	body *requestBody
	rest []byte // what is not written yet
	err  error
}

// writeFor writes a part of a request as long as its time lasts, which it asks right before every call of the system. A
// write that waits for the other side to take something asks again when that has happened.
func (c *wireConn) writeFor(body *requestBody, p []byte) (n int, err error) {
	w := &c.pending
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.step == nil {
		w.step = w.writeSome
	}
	w.body, w.rest, w.err = body, p, nil
	err = c.raw.Write(w.step)
	if w.err != nil {
		err = w.err
	}
	n = len(p) - len(w.rest)
	w.body, w.rest = nil, nil
	return n, err
}

// writeSome writes until all is written, or the system takes no more for now.
func (w *pendingWrite) writeSome(fd uintptr) (done bool) {
	for len(w.rest) > 0 {
		if w.body.overdue() {
			w.err = errLate
			return true
		}
		written, failure := syscall.Write(int(fd), w.rest)
		switch {
		case errors.Is(failure, syscall.EAGAIN):
			return false
		case errors.Is(failure, syscall.EINTR):
		case failure != nil:
			w.err = failure
			return true
		default:
			w.rest = w.rest[written:]
		}
	}
	return true
}
