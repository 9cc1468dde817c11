package consumer

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Tracker knows which messages of one partition are in flight, and the committable offset: the one after the longest
// unbroken run of acked messages.
//
// A source makes one when it begins to read a partition, and tells it with Resume what an earlier reader has acked past
// the start. Each message that is handed over is tracked first, in the order of the offsets, which are those of the
// broker and have holes. Track waits while too many messages stand past the committable offset. Messages are acked in
// any order. What is committed are Committable, or Acked where the ranges past it are stored too. After Close nothing
// that is acked moves the committable offset, so that a message acked late is committed by nobody but the next reader,
// who learns it from Acked.
//
// The messages in flight stand in a ring, and a ticket is the place in it; so Track and Ack cost the same however much
// is in flight. A Tracker is safe for concurrent use.
type Tracker struct {
	limit int // how many messages may stand past the committable offset

	mu sync.Mutex
	// of a length that is a power of two; it grows, and goes back to its pool when nothing is in flight
	ring      []inFlight
	smallRing [smallestRing]inFlight
	head      uint64 // ticket of the oldest message that is not acked
	tail      uint64 // ticket of the next message
	next      int64  // the committable offset once everything in flight is acked
	acks      uint64 // how many messages were acked
	closed    bool
	headMoved chan struct{} // closed when the head moves, while somebody waits for that

	ackedBefore AckedRanges // what was acked before reading began
	cursor      rangeCursor // over ackedBefore; only the goroutine that tracks uses it
}

// inFlight is one message in the ring.
type inFlight struct {
	offset int64
	since  int64 // when it was handed out, in nanoseconds of unix time; 0 once it is acked
}

func (e *inFlight) acked() bool { return e.since == 0 }

// Resume says what is acked past the start already. It is called before the first Track.
func (t *Tracker) Resume(acked AckedRanges) {
	t.ackedBefore, t.cursor = acked, rangeCursor{ranges: acked}
}

// AlreadyAcked reports whether a message was acked before reading began. Whoever tracks messages asks this first, and
// acks such a message at once. Only the goroutine that calls Track may call it.
func (t *Tracker) AlreadyAcked(offset int64) bool { return t.cursor.has(offset) }

// ErrTrackerClosed is the error of Track after Close.
var ErrTrackerClosed = errors.New("the partition has been given up")

// NewTracker starts at the offset of the first message that will be tracked, or before it. At most limit messages stand
// past the committable offset.
func NewTracker(start int64, limit int) *Tracker {
	t := &Tracker{next: start, limit: limit}
	t.ring = t.smallRing[:]
	return t
}

// Track notes that a message is in flight and returns the ticket with which it is acked. While the limit is reached it
// waits for the oldest message to be acked, for ctx or for Close. It is called in the order of the offsets, from one
// goroutine.
func (t *Tracker) Track(ctx context.Context, offset int64, now time.Time) (ticket uint64, err error) {
	t.mu.Lock()
	for !t.closed && t.tail-t.head >= uint64(t.limit) {
		if t.headMoved == nil {
			t.headMoved = make(chan struct{})
		}
		moved := t.headMoved
		t.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		t.mu.Lock()
	}
	defer t.mu.Unlock()
	if t.closed {
		return 0, ErrTrackerClosed
	}
	if t.tail-t.head == uint64(len(t.ring)) {
		t.grow()
	}
	ticket = t.tail
	*t.at(ticket) = inFlight{offset: offset, since: now.UnixNano()}
	t.tail++
	t.next = offset + 1
	return ticket, nil
}

// Ack marks a message as finished. It reports false when the message was acked before or when the tracker is closed.
func (t *Tracker) Ack(ticket uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ticket < t.head || ticket >= t.tail || t.at(ticket).acked() {
		return false
	}
	t.at(ticket).since = 0
	t.acks++
	if t.closed {
		return false
	}
	if ticket != t.head {
		return true
	}
	for t.head < t.tail && t.at(t.head).acked() {
		t.head++
	}
	if t.head == t.tail && len(t.ring) > smallestRing {
		idleRings.put(t.ring)
		t.ring = t.smallRing[:]
	}
	t.wake()
	return true
}

// Skip says that no message stands before next, beyond those that were tracked.
func (t *Tracker) Skip(next int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next = max(t.next, next)
}

// Committable is the offset after the longest unbroken run of acked messages. It never moves back.
func (t *Tracker) Committable() int64 {
	committable, _ := t.Position()
	return committable
}

// Position is the committable offset and how many messages were acked: while that number is the same, the same are
// acked.
func (t *Tracker) Position() (committable int64, acks uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.committable(), t.acks
}

// CommittableCount is the committable offset, and how many messages were tracked before it.
func (t *Tracker) CommittableCount() (committable int64, count uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.committable(), t.head
}

// committable is the offset of the first message that is not acked, or the next one. The caller holds mu.
func (t *Tracker) committable() int64 {
	if t.head < t.tail {
		return t.at(t.head).offset
	}
	return t.next
}

// Acked is the committable offset, and what is acked past it, appended to dst. What stands between two messages that
// are acked counts as acked too: nothing of it has ever been in flight. After Close, the message at the committable
// offset may be acked. The number of acks is that of Position.
func (t *Tracker) Acked(dst AckedRanges) (committable int64, acked AckedRanges, acks uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	from := int64(-1) // where a range begins that has not ended
	for ticket := t.head; ticket < t.tail; ticket++ {
		switch e := t.at(ticket); {
		case e.acked() && from < 0:
			from = e.offset
		case !e.acked() && from >= 0:
			dst, from = append(dst, Range{from, e.offset}), -1
		}
	}
	if from >= 0 {
		dst = append(dst, Range{from, t.next})
	}
	return t.committable(), dst.AppendFrom(t.ackedBefore, t.next), t.acks
}

// InFlight is the number of messages at or past the committable offset, acked or not, and when the oldest was handed
// out. It is 0 after Close.
func (t *Tracker) InFlight() (n int, oldest time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.head == t.tail || t.closed {
		return 0, time.Time{}
	}
	return int(t.tail - t.head), time.Unix(0, t.at(t.head).since)
}

// Close ends the tracker: its committable offset stays where it is, whatever is acked later. Acked shows those later
// acks.
func (t *Tracker) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	t.wake()
}

func (t *Tracker) at(ticket uint64) *inFlight { return &t.ring[ticket&uint64(len(t.ring)-1)] }

func (t *Tracker) wake() {
	if t.headMoved != nil {
		close(t.headMoved)
		t.headMoved = nil
	}
}

func (t *Tracker) grow() {
	old := t.ring
	t.ring = idleRings.get(2 * len(old))
	for ticket := t.head; ticket < t.tail; ticket++ {
		*t.at(ticket) = old[ticket&uint64(len(old)-1)]
	}
	idleRings.put(old)
}
