package customerio

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ciobridge/ciobridge/secret"
)

// batchRequest is what all requests for batches share until the credentials change: the address and the headers, which
// a transport may not alter. They are a sixth of what a request leaves behind.
type batchRequest struct {
	version uint64 // of the credentials
	request *http.Request
}

// request makes a request with a body. The context is the request's.
func (c *Client) request(ctx context.Context, r Request, content *requestBody, authorization secret.Value,
	version uint64) (*http.Request, error) {
	req, err := c.head(ctx, r, content, authorization, version)
	if err == nil && content.size > 0 {
		req.Body = content.open()
		// The transport asks for a second reader when a kept connection turns out to be closed before anything was
		// written.
		req.GetBody = func() (io.ReadCloser, error) { return content.open(), nil }
		req.ContentLength = int64(content.size)
	}
	return req, err
}

// head makes a request that lacks its body, of a batch from the one before.
func (c *Client) head(ctx context.Context, r Request, content *requestBody, authorization secret.Value,
	version uint64) (*http.Request, error) {
	if r.Endpoint != Batch || r.Method != http.MethodPost || r.Path != BatchPath || len(r.Header) > 0 ||
		content.size == 0 {
		return c.newHead(ctx, r, content, authorization)
	}
	last := c.batch.Load()
	if last == nil || last.version != version {
		req, err := c.newHead(context.Background(), r, content, authorization)
		if err != nil {
			return nil, err
		}
		last = &batchRequest{version, req}
		c.batch.Store(last)
	}
	return last.request.WithContext(ctx), nil
}

func (c *Client) newHead(ctx context.Context, r Request, content *requestBody, authorization secret.Value) (
	*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, c.roots[r.Endpoint.API()]+r.Path, nil)
	if err != nil {
		return nil, err
	}
	if content.size > 0 {
		req.Header["Content-Type"] = []string{"application/json"}
	}
	for name, values := range r.Header {
		req.Header[headerKey(name)] = values
	}
	if r.Endpoint == Pipelines {
		// without it what is invalid or too large is answered with a 200, and discarded
		req.Header["X-Strict-Mode"] = []string{"1"}
	}
	req.Header["Authorization"] = []string{authorization.Reveal()}
	req.Header["User-Agent"] = []string{c.agent}
	return req, nil
}

// headerKey is the name of a header as it is sent. One by which Go's transport takes a request to be safe to repeat is
// written in lower case, in which it does not know it: whether a request is made again is not its to decide.
func headerKey(name string) string {
	switch key := http.CanonicalHeaderKey(name); key {
	case "Idempotency-Key", "X-Idempotency-Key":
		return strings.ToLower(key)
	default:
		return key
	}
}

// requestBody is a request's body that can be taken back: a transport may still be reading it after it has returned an
// answer or an error, and by then the bytes may belong to the next request.
type requestBody struct {
	until   func() (time.Time, bool)
	size    int
	mu      sync.Mutex
	parts   [][]byte
	revoked bool
	read    bool // it was given away to its end; one without a byte, with the head of its request
	late    bool // a part of it was asked for, or was to be written, when its time was over

	wire atomic.Pointer[wireConn] // that it is written to
}

var errLate = errors.New("the time of the calls is over")

func newRequestBody(r Request) *requestBody {
	b := &requestBody{parts: r.Body, until: r.Until}
	for _, part := range r.Body {
		b.size += len(part)
	}
	return b
}

func (b *requestBody) open() io.ReadCloser { return &requestBodyReader{body: b} }

func (b *requestBody) revoke() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.parts, b.revoked = nil, true
	if c := b.wire.Load(); c != nil {
		c.carries.CompareAndSwap(b, nil)
	}
}

// withheld reports whether a part of the body was not given away because its time was over.
func (b *requestBody) withheld() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.late
}

// overdue reports whether nothing may be written any more.
func (b *requestBody) overdue() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.over()
}

// over reports whether nothing may be given away any more. The caller holds mu.
func (b *requestBody) over() bool {
	if b.until == nil {
		return false
	}
	until, limited := b.until()
	b.late = b.late || limited && !time.Now().Before(until)
	return b.late
}

// end notes that there is no more of the request.
func (b *requestBody) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.read = true
}

// sent reports whether the whole request may have reached the other side.
func (b *requestBody) sent() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.read
}

type requestBodyReader struct {
	body         *requestBody
	part, offset int // what comes next
}

// Read copies under the lock, so that revoke waits for a copy under way. A copy is as large as dst, however small the
// parts are.
func (r *requestBodyReader) Read(dst []byte) (int, error) {
	b := r.body
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.revoked:
		return 0, net.ErrClosed
	case r.part == len(b.parts):
		return 0, io.EOF
	case b.over():
		return 0, errLate
	}
	n := 0
	for n < len(dst) && r.part < len(b.parts) {
		part := b.parts[r.part]
		copied := copy(dst[n:], part[r.offset:])
		n += copied
		if r.offset += copied; r.offset == len(part) {
			r.part, r.offset = r.part+1, 0
		}
	}
	b.read = b.read || r.part == len(b.parts)
	return n, nil
}

// Close does nothing: the bytes are not the reader's own.
func (r *requestBodyReader) Close() error { return nil }
