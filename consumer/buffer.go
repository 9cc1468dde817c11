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

// Buffers come in powers of two from 4 KiB to 2 MiB; larger ones are made for one use.
const (
	smallestClass = 12
	largestClass  = 21
)

func classOf(n int) int { return max(bits.Len(uint(max(n, 1)-1)), smallestClass) }

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
	if class > largestClass {
		return &Buffer{Bytes: make([]byte, n)}
	}
	if b := idleBuffers.get(class); b != nil {
		b.Bytes = b.Bytes[:n]
		return b
	}
	return &Buffer{Bytes: make([]byte, n, 1<<class)}
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
	if class := classOf(size); size == 1<<class && class <= largestClass {
		idleBuffers.put(b, class)
	}
}
