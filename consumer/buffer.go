package consumer

import (
	"context"
	"math/bits"
	"sync"
	"sync/atomic"
)

// Buffer is memory that handed-out messages point into. It goes back to its pool when the last of them is acked; one
// whose messages were dropped is left to the garbage collector.
type Buffer struct {
	Bytes    []byte // the length that was asked for, or less
	users    atomic.Int32
	share    *BudgetShare // nil for a buffer that counts against nothing
	Unpacked bool         // made by the worker, not by a fetch
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
func (b *Buffer) Charge(s *BudgetShare) {
	b.share = s
	s.Budget.charge(s, int64(cap(b.Bytes)), b.Unpacked)
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
		b.share.Budget.Release(b.share, int64(size), b.Unpacked)
		b.share, b.Unpacked = nil, false
	}
	if class := classOf(size); size == 1<<class && class <= largestClass {
		idleBuffers.put(b, class)
	}
}

// FetchBudget bounds the bytes of the buffers that are fetched and not released. While less than a quarter of it is
// left, only partitions that hold nothing are asked for more, so that those that hold much do not starve them. It is
// overdrawn by what cannot be known in advance: a batch that is larger than what was asked for, one for each broker,
// and what batches unpack to, a few at a time.
type FetchBudget struct {
	Limit  int64
	OnFree func() // called, without a lock held, when bytes have been given back after a reservation was refused

	mu        sync.Mutex
	refused   bool // a reservation was, and OnFree has not been called since
	used      int64
	unpacked  int64         // the part of used that was unpacked
	unpacking int           // how many are at it
	moved     chan struct{} // closed when bytes are given back, while somebody waits for that
}

// unpackers is how many may unpack a batch at a time.
const unpackers = 4

// BudgetShare is what one partition holds of a budget.
type BudgetShare struct {
	Budget *FetchBudget

	held int64 // guarded by Budget.mu
}

// Allows reports whether a partition may ask for n bytes more.
func (w *FetchBudget) Allows(s *BudgetShare, n int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.held > 0 && w.used+n > w.Limit/4*3 {
		w.refused = true
		return false
	}
	return true
}

// Reserve takes room for an answer, n bytes or as much of them as there is, and returns how much that is: 0 where it
// would be less than least. It is given back with Release. When nothing is in use, any answer is possible.
func (w *FetchBudget) Reserve(n, least int64) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.used > 0 {
		n = min(n, w.Limit-w.used)
	}
	if n < least {
		w.refused = true
		return 0
	}
	w.used += n
	return n
}

// charge counts n bytes whether there is room or not.
func (w *FetchBudget) charge(s *BudgetShare, n int64, unpacked bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.held += n
	w.used += n
	if unpacked {
		w.unpacked += n
	}
}

// Release gives back what a partition held, or, without a share, what was reserved.
func (w *FetchBudget) Release(s *BudgetShare, n int64, unpacked bool) {
	w.mu.Lock()
	if s != nil {
		s.held -= n
	}
	w.used -= n
	if unpacked {
		w.unpacked -= n
	}
	w.wake()
	tell := w.refused && w.OnFree != nil
	w.refused = w.refused && !tell
	w.mu.Unlock()
	if tell {
		w.OnFree()
	}
}

// BeginUnpacking holds back whoever is about to unpack a batch while the budget is used up, or while others are at it;
// when nothing unpacked is in use, one may always go on. Each call that returns nil is followed by EndUnpacking, after
// the buffer is charged.
func (w *FetchBudget) BeginUnpacking(ctx context.Context) error {
	for {
		w.mu.Lock()
		if w.unpacking == 0 && w.unpacked == 0 || w.unpacking < unpackers && w.used <= w.Limit {
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

// EndUnpacking lets the next one unpack.
func (w *FetchBudget) EndUnpacking() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unpacking--
	w.wake()
}

// wake lets those that wait look again. The caller holds mu.
func (w *FetchBudget) wake() {
	if w.moved != nil {
		close(w.moved)
		w.moved = nil
	}
}

// InUse is the number of bytes that count against the budget.
func (w *FetchBudget) InUse() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.used
}
