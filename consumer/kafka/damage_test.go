package kafka

import (
	"bytes"
	"net"
	"sync/atomic"
)

// damage is what a broker listens on; it can damage what the broker sends.
type damage struct {
	flips   atomic.Int64 // how many more times the marker is damaged
	flipped atomic.Int64 // how many times it was
}

// marker is text in a message's value of which one byte can be flipped on the way.
const marker = "FLIP-THIS-BYTE"

func (w *damage) listen(network, address string) (net.Listener, error) {
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	return damagedListener{l, w}, nil
}

type damagedListener struct {
	net.Listener
	damage *damage
}

func (l damagedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return damagedConn{c, l.damage}, nil
}

type damagedConn struct {
	net.Conn
	damage *damage
}

func (c damagedConn) Write(b []byte) (int, error) {
	i := bytes.Index(b, []byte(marker))
	if i < 0 || c.damage.flips.Add(-1) < 0 {
		return c.Conn.Write(b)
	}
	c.damage.flipped.Add(1)
	damaged := bytes.Clone(b)
	damaged[i] ^= 0x20
	return c.Conn.Write(damaged)
}
