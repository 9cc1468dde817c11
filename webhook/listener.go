package webhook

import (
	"net"
	"sync"
)

// bounded is a listener that has only so many connections open. Further ones wait in the kernel, so that a flood costs
// neither memory nor the files that the bridge needs for its broker.
type bounded struct {
	net.Listener
	open chan struct{}
}

// Accept implements net.Listener.
func (b *bounded) Accept() (net.Conn, error) {
	b.open <- struct{}{}
	conn, err := b.Listener.Accept()
	if err != nil {
		<-b.open
		return nil, err
	}
	return &boundedConn{Conn: conn, leave: sync.OnceFunc(func() { <-b.open })}, nil
}

type boundedConn struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *boundedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
