package consumer

import (
	"context"
	"math/bits"
	"sync"
	"sync/atomic"
)

// buffer is memory that handed-out messages point into. It goes back to its pool when the last of them is done; one whose
// messages were dropped is left to the garbage collector.
type buffer struct {
	bytes []byte
	users atomic.Int32
	share *share // nil for a buffer that counts against nothing
}

// Buffers come in powers of two from 4 KiB to 2 MiB; larger ones are made for one use.
const (
	smallestClass = 12
	largestClass  = 21
)

var bufferPools [largestClass - smallestClass + 1]sync.Pool

func classOf(n int) int { return max(bits.Len(uint(max(n, 1)-1)), smallestClass) }

// takeBuffer returns a buffer of n bytes with one user, which counts against nothing yet.
func takeBuffer(n int) *buffer {
	b := pooledBuffer(n)
	b.users.Store(1)
	return b
}

// count counts the buffer against a share until it is released.
func (b *buffer) count(s *share) {
	b.share = s
	s.window.add(s, int64(cap(b.bytes)))
}

func pooledBuffer(n int) *buffer {
	class := classOf(n)
	if class > largestClass {
		return &buffer{bytes: make([]byte, n)}
	}
	if b, ok := bufferPools[class-smallestClass].Get().(*buffer); ok {
		b.bytes = b.bytes[:n]
		return b
	}
	return &buffer{bytes: make([]byte, n, 1<<class)}
}

// retain adds a user.
func (b *buffer) retain() { b.users.Add(1) }

// release takes a user away; the last one gives the memory back, and nobody may look at it from then on.
func (b *buffer) release() {
	if b.users.Add(-1) != 0 {
		return
	}
	size := cap(b.bytes)
	if b.share != nil {
		b.share.window.add(b.share, -int64(size))
		b.share = nil
	}
	if class := classOf(size); size == 1<<class && class <= largestClass {
		bufferPools[class-smallestClass].Put(b)
	}
}

// window bounds the bytes of the buffers that are fetched and not released. A quarter of it is kept for partitions that hold
// nothing, so that each can always fetch once, however much the others hold.
type window struct {
	limit int64
	freed func() // called, without a lock held, when bytes have been given back

	mu    sync.Mutex
	used  int64
	moved chan struct{} // closed when bytes are given back, while somebody waits for that
}

// share is what one partition holds of a window.
type share struct {
	window *window
	held   int64 // guarded by window.mu
}

// reserve takes n bytes for a fetch and reports whether they were to be had. They are given back with add.
func (w *window) reserve(s *share, n int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.held > 0 && w.used+n > w.limit/4*3 {
		return false
	}
	s.held += n
	w.used += n
	return true
}

// add counts n bytes more, or less when n is negative.
func (w *window) add(s *share, n int64) {
	w.mu.Lock()
	s.held += n
	w.used += n
	if n < 0 && w.moved != nil {
		close(w.moved)
		w.moved = nil
	}
	w.mu.Unlock()
	if n < 0 && w.freed != nil {
		w.freed()
	}
}

// wait holds back whoever is about to decompress while the window is full and the share holds more than own bytes, so that one
// batch per partition is always possible.
func (w *window) wait(ctx context.Context, s *share, own int64) error {
	for {
		w.mu.Lock()
		if w.used <= w.limit || s.held <= own {
			w.mu.Unlock()
			return nil
		}
		if w.moved == nil {
			w.moved = make(chan struct{})
		}
		moved := w.moved
		w.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// inUse is the number of bytes that count against the window.
func (w *window) inUse() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.used
}
