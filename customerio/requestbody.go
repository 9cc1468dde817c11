package customerio

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// requestBody is a request's body that can be taken back: a transport may still be reading it after it has returned an
// answer or an error, and by then the bytes may belong to the next request.
type requestBody struct {
	until   func() (time.Time, bool)
	size    int
	mu      sync.Mutex
	parts   [][]byte
	revoked bool
	read    bool // somebody has read it to its end
	late    bool // a part of it was asked for when its time was over
}

var errLate = errors.New("the time of the calls is over")

func newRequestBody(r Request) *requestBody {
	p := &requestBody{parts: r.Body, until: r.Until}
	for _, part := range r.Body {
		p.size += len(part)
	}
	return p
}

func (p *requestBody) open() io.ReadCloser { return &requestBodyReader{body: p} }

func (p *requestBody) revoke() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.parts, p.revoked = nil, true
}

// withheld reports whether a part of the body was not given away because its time was over.
func (p *requestBody) withheld() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.late
}

// over reports whether nothing may be given away any more. The caller holds mu.
func (p *requestBody) over() bool {
	if p.until == nil {
		return false
	}
	until, limited := p.until()
	p.late = p.late || limited && !time.Now().Before(until)
	return p.late
}

// sent reports whether the whole request may have reached the other side, given how the exchange failed.
func (p *requestBody) sent(t Cause) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.size == 0 {
		return t == CauseTimeout || t == CauseReset
	}
	return p.read
}

type requestBodyReader struct {
	body         *requestBody
	part, offset int // what comes next
}

// Read copies under the lock, so that revoke waits for a copy under way. A copy is as large as b, however small the
// parts are.
func (r *requestBodyReader) Read(b []byte) (int, error) {
	p := r.body
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.revoked:
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
func (r *requestBodyReader) Close() error { return nil }
