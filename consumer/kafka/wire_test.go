package kafka

import (
	"bytes"
	"net"
	"sync/atomic"
)

// wire is what a broker listens on; it can damage what the broker sends.
type wire struct {
	flips   atomic.Int64 // how many more times the marker is damaged
	flipped atomic.Int64 // how many times it was
}

// marker is text in a message's value of which one byte can be flipped on the way.
const marker = "FLIP-THIS-BYTE"

func (w *wire) listen(network, address string) (net.Listener, error) {
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	return wireListener{l, w}, nil
}

type wireListener struct {
	net.Listener
	wire *wire
}

func (l wireListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return wireConn{c, l.wire}, nil
}

type wireConn struct {
	net.Conn
	wire *wire
}

func (c wireConn) Write(b []byte) (int, error) {
	i := bytes.Index(b, []byte(marker))
	if i < 0 || c.wire.flips.Add(-1) < 0 {
		return c.Conn.Write(b)
	}
	c.wire.flipped.Add(1)
	damaged := bytes.Clone(b)
	damaged[i] ^= 0x20
	return c.Conn.Write(damaged)
}
