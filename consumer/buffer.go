package consumer

import (
	"math/bits"
	"sync/atomic"

	"github.com/ciobridge/ciobridge/internal/memory"
)

// Buffer is memory that handed-out messages point into. It goes back to its pool when the last of them is acked; one
// whose messages were dropped is left to the garbage collector.
type Buffer struct {
	Bytes    []byte // the length that was asked for, or less
	users    atomic.Int32
	share    *memory.Share // nil for a buffer that counts against nothing
	Unpacked bool          // made by the worker, not by a fetch
}

// Buffers come in classes, from 4 KiB to 2 MiB in four steps each time that the size doubles: unpacked batches are the
// largest, and in powers of two a quarter of their memory would be empty. Larger buffers are made for one use.
const (
	smallestBits = 12
	largestBits  = 21
	steps        = 4
	classes      = (largestBits-smallestBits)*steps + 1
)

// classOf is the class of the smallest buffers that have n bytes. It may be beyond the last.
func classOf(n int) int {
	if n <= 1<<smallestBits {
		return 0
	}
	exponent := bits.Len(uint(n-1)) - 1
	step := (n - 1) >> (exponent - 2) % steps
	return (exponent-smallestBits)*steps + step + 1
}

// sizeOf is how many bytes the buffers of a class have.
func sizeOf(class int) int {
	if class == 0 {
		return 1 << smallestBits
	}
	exponent, step := smallestBits+(class-1)/steps, (class-1)%steps
	return (steps + step + 1) << (exponent - 2)
}

// NewBuffer returns a buffer of n bytes with one user, which counts against nothing yet.
func NewBuffer(n int) *Buffer {
	b := pooledBuffer(n)
	b.users.Store(1)
	return b
}

// Charge counts the buffer against a share until it is released.
func (b *Buffer) Charge(s *memory.Share) {
	b.share = s
	s.Fetching.Charge(s, int64(cap(b.Bytes)), b.Unpacked)
}

func pooledBuffer(n int) *Buffer {
	class := classOf(n)
	if class >= classes {
		return &Buffer{Bytes: make([]byte, n)}
	}
	if b := idleBuffers.get(class); b != nil {
		b.Bytes = b.Bytes[:n]
		return b
	}
	return &Buffer{Bytes: make([]byte, n, sizeOf(class))}
}

// Retain adds a user.
func (b *Buffer) Retain() { b.users.Add(1) }

// Release takes a user away; the last one gives the memory back, and nobody may look at it from then on.
func (b *Buffer) Release() {
	if b.users.Add(-1) != 0 {
		return
	}
	size := cap(b.Bytes)
	if b.share != nil {
		b.share.Fetching.Release(b.share, int64(size), b.Unpacked)
		b.share, b.Unpacked = nil, false
	}
	if class := classOf(size); class < classes && size == sizeOf(class) {
		idleBuffers.put(b, class)
	}
}
