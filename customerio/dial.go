package customerio

import (
	"context"
	"io"
	"net"
	"sync"
	"time"
)

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return wireConn{conn}, nil
}

// wireConn is a connection that writes a body from a buffer which outlives the request. The transport hands bodies to
// the connection's ReadFrom, and a TCP connection's own makes a buffer for each, half as large.
type wireConn struct{ net.Conn }

var wireBuffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

func (c wireConn) ReadFrom(r io.Reader) (int64, error) {
	buffer := wireBuffers.Get().(*[64 << 10]byte)
	defer wireBuffers.Put(buffer)
	return io.CopyBuffer(struct{ io.Writer }{c.Conn}, r, buffer[:])
}
