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
	bytes    []byte
	users    atomic.Int32
	share    *share // nil for a buffer that counts against nothing
	unpacked bool   // made by the worker, not by a fetch
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
	s.window.take(s, int64(cap(b.bytes)), b.unpacked)
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
		b.share.window.give(b.share, int64(size), b.unpacked)
		b.share, b.unpacked = nil, false
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

	held     int64 // guarded by window.mu
	unpacked int64 // the part of held that was unpacked; guarded by window.mu
}

// reserve takes n bytes for a fetch and reports whether they were to be had. They are given back with give.
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

// take counts n bytes whether there is room or not.
func (w *window) take(s *share, n int64, unpacked bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.held += n
	w.used += n
	if unpacked {
		s.unpacked += n
	}
}

// give gives n bytes back.
func (w *window) give(s *share, n int64, unpacked bool) {
	w.mu.Lock()
	s.held -= n
	w.used -= n
	if unpacked {
		s.unpacked -= n
	}
	if w.moved != nil {
		close(w.moved)
		w.moved = nil
	}
	w.mu.Unlock()
	if w.freed != nil {
		w.freed()
	}
}

// wait holds back whoever is about to unpack a batch while the window is full. A share that holds nothing unpacked does not wait, so
// that one batch of each partition is always possible.
func (w *window) wait(ctx context.Context, s *share) error {
	for {
		w.mu.Lock()
		if w.used <= w.limit || s.unpacked == 0 {
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
