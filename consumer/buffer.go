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
	if b := kept.take(class); b != nil {
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
		kept.put(b, class)
	}
}

// window bounds the bytes of the buffers that are fetched and not released. While less than a quarter of it is left, only partitions
// that hold nothing are asked for more, so that those that hold much do not starve them. It is overdrawn by what cannot be known in advance: a batch that is
// larger than what was asked for, one for each broker, and what batches unpack to, a few at a time.
type window struct {
	limit int64
	freed func() // called, without a lock held, when bytes have been given back after a reservation was refused

	mu        sync.Mutex
	refused   bool // a reservation was, and freed has not been called since
	used      int64
	unpacked  int64         // the part of used that was unpacked
	unpacking int           // how many are at it
	moved     chan struct{} // closed when bytes are given back, while somebody waits for that
}

// unpackers is how many may unpack a batch at a time.
const unpackers = 4

// share is what one partition holds of a window.
type share struct {
	window *window

	held int64 // guarded by window.mu
}

// allows reports whether a partition may ask for n bytes more.
func (w *window) allows(s *share, n int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.held > 0 && w.used+n > w.limit/4*3 {
		w.refused = true
		return false
	}
	return true
}

// reserve takes room for an answer, n bytes or as much of them as there is, and returns how much that is: 0 where it would be less than
// least. It is given back with give. When nothing is in use, any answer is possible.
func (w *window) reserve(n, least int64) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.used > 0 {
		n = min(n, w.limit-w.used)
	}
	if n < least {
		w.refused = true
		return 0
	}
	w.used += n
	return n
}

// take counts n bytes whether there is room or not.
func (w *window) take(s *share, n int64, unpacked bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.held += n
	w.used += n
	if unpacked {
		w.unpacked += n
	}
}

// give gives back what a partition held, or, without a share, what was reserved.
func (w *window) give(s *share, n int64, unpacked bool) {
	w.mu.Lock()
	if s != nil {
		s.held -= n
	}
	w.used -= n
	if unpacked {
		w.unpacked -= n
	}
	w.wake()
	tell := w.refused && w.freed != nil
	w.refused = w.refused && !tell
	w.mu.Unlock()
	if tell {
		w.freed()
	}
}

// beginUnpacking holds back whoever is about to unpack a batch while the window is full, or while others are at it; when nothing
// unpacked is in use, one may always go on. Each call that returns nil is followed by endUnpacking, after the buffer is counted.
func (w *window) beginUnpacking(ctx context.Context) error {
	for {
		w.mu.Lock()
		if w.unpacking == 0 && w.unpacked == 0 || w.unpacking < unpackers && w.used <= w.limit {
			w.unpacking++
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

func (w *window) endUnpacking() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unpacking--
	w.wake()
}

// wake lets those that wait look again. The caller holds mu.
func (w *window) wake() {
	if w.moved != nil {
		close(w.moved)
		w.moved = nil
	}
}

// inUse is the number of bytes that count against the window.
func (w *window) inUse() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.used
}
