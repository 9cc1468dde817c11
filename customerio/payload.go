package customerio

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// payload is a request's body that can be taken back: a transport may still be reading it after it has returned an answer or an
// error, and by then the bytes may belong to the next request.
type payload struct {
	until    func() (time.Time, bool)
	size     int
	mu       sync.Mutex
	parts    [][]byte
	released bool
	read     bool // somebody has read it to its end
	late     bool // a part of it was asked for when its time was over
}

var errLate = errors.New("the time of the calls is over")

func newPayload(r Request) *payload {
	p := &payload{parts: r.Body, until: r.Until}
	for _, part := range r.Body {
		p.size += len(part)
	}
	return p
}

func (p *payload) open() io.ReadCloser { return &payloadReader{payload: p} }

func (p *payload) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.parts, p.released = nil, true
}

// withheld reports whether a part of the body was not given away because its time was over.
func (p *payload) withheld() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.late
}

// over reports whether nothing may be given away any more. The caller holds mu.
func (p *payload) over() bool {
	if p.until == nil {
		return false
	}
	until, limited := p.until()
	p.late = p.late || limited && !time.Now().Before(until)
	return p.late
}

// sent reports whether the whole request may have reached the other side, given how the exchange failed.
func (p *payload) sent(t Trouble) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.size == 0 {
		return t == TroubleTimeout || t == TroubleReset
	}
	return p.read
}

type payloadReader struct {
	payload      *payload
	part, offset int // what comes next
}

// Read copies under the lock, so that release waits for a copy under way. A copy is as large as b, however small the parts are.
func (r *payloadReader) Read(b []byte) (int, error) {
	p := r.payload
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.released:
		return 0, net.ErrClosed
	case r.part == len(p.parts):
		return 0, io.EOF
	case p.over():
		return 0, errLate
	}
	n := 0
	for n < len(b) && r.part < len(p.parts) {
		part := p.parts[r.part]
		copied := copy(b[n:], part[r.offset:])
		n += copied
		if r.offset += copied; r.offset == len(part) {
			r.part, r.offset = r.part+1, 0
		}
	}
	p.read = p.read || r.part == len(p.parts)
	return n, nil
}

// Close does nothing: the bytes are not the reader's own.
func (r *payloadReader) Close() error { return nil }
