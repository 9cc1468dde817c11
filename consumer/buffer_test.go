package consumer

import (
	"testing"

	"github.com/ciobridge/ciobridge/internal/memory"
)

func TestBufferGoesBackOnce(t *testing.T) {
	w := memory.New(1<<20).Fetching(1<<20, nil)
	s := &memory.Share{Fetching: w}
	b := NewBuffer(5000)
	if cap(b.Bytes) != 8192 || len(b.Bytes) != 5000 {
		t.Fatalf("a buffer of %d of %d bytes", len(b.Bytes), cap(b.Bytes))
	}
	b.Charge(s)
	b.Retain()
	b.Release()
	if w.Reserved() != 8192 {
		t.Fatalf("%d bytes in use while there is a user", w.Reserved())
	}
	b.Release()
	if w.Reserved() != 0 {
		t.Fatalf("%d bytes in use after the last user", w.Reserved())
	}
	large := NewBuffer(5 << 20)
	large.Charge(s)
	if w.Reserved() != 5<<20 {
		t.Fatalf("a buffer beyond the pools counts as %d", w.Reserved())
	}
	large.Release()
	if w.Reserved() != 0 {
		t.Fatalf("%d bytes are left", w.Reserved())
	}
}

// TestKeptBuffersAreBounded, and those of a size that is wanted take the place of others.
func TestKeptBuffersAreBounded(t *testing.T) {
	var k bufferPool
	small, large := smallestClass+2, largestClass
	for range 2 * maxIdleBytes >> small {
		k.put(&Buffer{Bytes: make([]byte, 1<<small)}, small)
	}
	if k.bytes != maxIdleBytes || len(k.free[small-smallestClass]) != maxIdleBytes>>small {
		t.Fatalf("%d bytes in %d buffers", k.bytes, len(k.free[small-smallestClass]))
	}
	k.put(&Buffer{Bytes: make([]byte, 1<<large)}, large)
	if b := k.get(large); b == nil || len(b.Bytes) != 1<<large || k.bytes != maxIdleBytes-1<<large {
		t.Fatalf("got %v, %d bytes are kept", b != nil, k.bytes)
	}
	if k.get(large) != nil {
		t.Fatal("a buffer is given away twice")
	}
	for k.get(small) != nil {
	}
	if k.bytes != 0 {
		t.Fatalf("%d bytes in no buffer", k.bytes)
	}
}
