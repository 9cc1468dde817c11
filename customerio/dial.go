package customerio

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	raw, err := conn.(syscall.Conn).SyscallConn() // of a connection over TCP, which has one
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &wireConn{Conn: conn, raw: raw}, nil
}

// wireConn is a connection that knows the request which is written to it, and writes nothing of it once its time is
// over. It asks before every call of the system, because between the moment at which the body was read and that one
// the bytes wait in a buffer, or for the other side to take those before them.
//
// It writes a body from a buffer that outlives the request. The transport hands bodies to the connection's ReadFrom,
// and a TCP connection's own makes a buffer for each, half as large.
type wireConn struct {
	net.Conn
	raw     syscall.RawConn
	carries atomic.Pointer[requestBody]
	pending pendingWrite
}

var wireBuffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

func (c *wireConn) ReadFrom(r io.Reader) (int64, error) {
	buffer := wireBuffers.Get().(*[64 << 10]byte)
	defer wireBuffers.Put(buffer)
	return io.CopyBuffer(struct{ io.Writer }{c}, r, buffer[:])
}

func (c *wireConn) Write(p []byte) (int, error) {
	body := c.carries.Load()
	if body == nil {
		return c.Conn.Write(p)
	}
	return c.writeFor(body, p)
}

// wireTLS is a connection over TLS that takes bodies as a wireConn does: the transport would make a buffer for each.
type wireTLS struct{ *tls.Conn }

// overTLS connects as a transport would, by its settings. Through a proxy the transport does so itself.
func overTLS(t *http.Transport) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		return dialTLS(ctx, network, address, t)
	}
}

func dialTLS(ctx context.Context, network, address string, t *http.Transport) (net.Conn, error) {
	conn, err := t.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	config := t.TLSClientConfig.Clone()
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	secured := tls.Client(conn, config)
	ctx, cancel := context.WithTimeout(ctx, t.TLSHandshakeTimeout)
	defer cancel()
	if err := secured.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return wireTLS{secured}, nil
}

func (c wireTLS) ReadFrom(r io.Reader) (int64, error) {
	buffer := wireBuffers.Get().(*[64 << 10]byte)
	defer wireBuffers.Put(buffer)
	return io.CopyBuffer(struct{ io.Writer }{c.Conn}, r, buffer[:])
}

// followed has the connection that ctx's request gets look at the body's time. Of a request without a body it notes
// that it was written.
func (b *requestBody) followed(ctx context.Context) context.Context {
	if b.until == nil && b.size > 0 {
		return ctx
	}
	var trace httptrace.ClientTrace
	if b.until != nil {
		trace.GotConn = func(got httptrace.GotConnInfo) {
			if c := wireOf(got.Conn); c != nil {
				b.wire.Store(c)
				c.carries.Store(b)
			}
		}
	}
	if b.size == 0 {
		trace.WroteHeaders = b.end
	}
	return httptrace.WithClientTrace(ctx, &trace)
}

// wireOf is the connection below TLS, nil for one that we have not dialled.
func wireOf(conn net.Conn) *wireConn {
	switch c := conn.(type) {
	case *wireConn:
		return c
	case interface{ NetConn() net.Conn }:
		return wireOf(c.NetConn())
	}
	return nil
}
