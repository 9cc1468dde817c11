package serve

import (
	"context"
	"fmt"
	"net"
)

// Loopback is the address of a port that only this machine reaches; 0 stands for any that is free.
func Loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// ListenNear listens on the port of loopback that is asked for or, where that is taken, on a free one.
func ListenNear(ctx context.Context, port int) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", Loopback(port))
	if err != nil && port != 0 {
		l, err = lc.Listen(ctx, "tcp", Loopback(0))
	}
	return l, err
}

// AddressNear is the address to listen on for whoever would like a port: with it if it is free now, and else with any.
func AddressNear(ctx context.Context, port int) string {
	l, err := ListenNear(ctx, port)
	if err != nil {
		return Loopback(0)
	}
	defer l.Close()
	if l.Addr().String() != Loopback(port) {
		return Loopback(0)
	}
	return Loopback(port)
}
