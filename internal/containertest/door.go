package containertest

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// A Door is an address that stays while what is behind it moves: a container gets another port when it is started
// again.
type Door struct {
	net.Listener
	target  atomic.Pointer[string]
	passing sync.WaitGroup
}

// OpenDoor opens a door, which leads nowhere yet.
func OpenDoor(t *testing.T) *Door {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &Door{Listener: l}
	d.LeadTo("127.0.0.1:0")
	d.passing.Go(d.accept)
	t.Cleanup(func() { d.Close() })
	return d
}

// LeadTo has new connections lead to another address.
func (d *Door) LeadTo(address string) { d.target.Store(&address) }

func (d *Door) accept() {
	for {
		in, err := d.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", *d.target.Load())
		if err != nil {
			in.Close()
			continue
		}
		for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
			d.passing.Go(func() {
				_, _ = io.Copy(way[0], way[1]) // ends with either connection
				in.Close()
				out.Close()
			})
		}
	}
}
