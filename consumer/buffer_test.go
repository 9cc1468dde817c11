package consumer

import (
	"testing"

	"github.com/ciobridge/ciobridge/internal/memory"
)

func TestBufferGoesBackOnce(t *testing.T) {
	w := memory.New(1<<20).Fetching(1<<20, nil)
	s := &memory.Share{Fetching: w}
	b := NewBuffer(5000)
	if cap(b.Bytes) != 5120 || len(b.Bytes) != 5000 {
		t.Fatalf("a buffer of %d of %d bytes", len(b.Bytes), cap(b.Bytes))
	}
	b.Charge(s)
	b.Retain()
	b.Release()
	if w.Reserved() != 5120 {
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
	small, large := classOf(16<<10), classes-1
	for range 2 * maxIdleBytes / sizeOf(small) {
		k.put(&Buffer{Bytes: make([]byte, sizeOf(small))}, small)
	}
	if k.bytes != maxIdleBytes || len(k.free[small]) != maxIdleBytes/sizeOf(small) {
		t.Fatalf("%d bytes in %d buffers", k.bytes, len(k.free[small]))
	}
	k.put(&Buffer{Bytes: make([]byte, sizeOf(large))}, large)
	if k.get(large-steps) != nil {
		t.Fatal("a buffer is given to whom half of it would do")
	}
	b := k.get(large - steps + 1)
	if b == nil || len(b.Bytes) != sizeOf(large) || k.bytes != maxIdleBytes-sizeOf(large) {
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

// A class has room for what is of it, with no more than a quarter left over, and not for a byte more.
func TestClassesOfBuffers(t *testing.T) {
	if sizeOf(0) != 4<<10 || sizeOf(classes-1) != 2<<20 {
		t.Fatalf("they go from %d to %d bytes", sizeOf(0), sizeOf(classes-1))
	}
	for class := range classes {
		size := sizeOf(class)
		if classOf(size) != class || classOf(size+1) != class+1 {
			t.Errorf("%d bytes are of class %d, want %d, one more of %d", size, classOf(size), class, classOf(size+1))
		}
		if class > 0 && size > sizeOf(class-1)*5/4 {
			t.Errorf("after %d bytes come %d", sizeOf(class-1), size)
		}
	}
}
