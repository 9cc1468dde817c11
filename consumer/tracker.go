package consumer

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Tracker knows which messages of one partition are in flight, and the committable offset: the one after the longest
// unbroken run of acked messages. Offsets are those of the broker and only grow, with holes. Track and Ack cost the
// same however much is in flight. It is safe for concurrent use.
type Tracker struct {
	limit int // how many messages may stand past the committable offset

	mu sync.Mutex
	// its length is a power of two; grows up to the limit, and goes back to its pool when nothing is in flight
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
func (l *Tracker) Resume(done AckedRanges) { l.ackedBefore, l.cursor = done, rangeCursor{ranges: done} }

// AlreadyAcked reports whether a message was acked before reading began. Whoever tracks messages asks this first, and
// acks such a message at once. Only the goroutine that calls Track may call it.
func (l *Tracker) AlreadyAcked(offset int64) bool { return l.cursor.has(offset) }

// ErrTrackerClosed is the error of Track after Close.
var ErrTrackerClosed = errors.New("the partition has been given up")

// NewTracker starts at the offset of the first message that will be tracked, or before it. At most limit messages stand
// past the committable offset.
func NewTracker(start int64, limit int) *Tracker {
	l := &Tracker{next: start, limit: limit}
	l.ring = l.smallRing[:]
	return l
}

// Track notes that a message is in flight and returns the ticket with which it is acked. While the limit is reached it
// waits for the oldest message to be acked, for ctx or for Close. It is called in the order of the offsets, from one
// goroutine.
func (l *Tracker) Track(ctx context.Context, offset int64, now time.Time) (ticket uint64, err error) {
	l.mu.Lock()
	for !l.closed && l.tail-l.head >= uint64(l.limit) {
		if l.headMoved == nil {
			l.headMoved = make(chan struct{})
		}
		room := l.headMoved
		l.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		l.mu.Lock()
	}
	defer l.mu.Unlock()
	if l.closed {
		return 0, ErrTrackerClosed
	}
	if l.tail-l.head == uint64(len(l.ring)) {
		l.grow()
	}
	ticket = l.tail
	*l.at(ticket) = inFlight{offset: offset, since: now.UnixNano()}
	l.tail++
	l.next = offset + 1
	return ticket, nil
}

// Ack marks a message as finished. It reports false when the message was acked before or when the tracker is closed.
func (l *Tracker) Ack(ticket uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ticket < l.head || ticket >= l.tail || l.at(ticket).acked() {
		return false
	}
	l.at(ticket).since = 0
	l.acks++
	if l.closed {
		return false
	}
	if ticket != l.head {
		return true
	}
	for l.head < l.tail && l.at(l.head).acked() {
		l.head++
	}
	if l.head == l.tail && len(l.ring) > smallestRing {
		idleRings.put(l.ring)
		l.ring = l.smallRing[:]
	}
	l.wake()
	return true
}

// Skip says that no message stands before next, beyond those that were tracked.
func (l *Tracker) Skip(next int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = max(l.next, next)
}

// Committable is the offset after the longest unbroken run of acked messages. It never moves back.
func (l *Tracker) Committable() int64 {
	committable, _ := l.Position()
	return committable
}

// Position is the committable offset and how many messages were acked: while that number is the same, the same are
// acked.
func (l *Tracker) Position() (committable int64, news uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.head < l.tail {
		return l.at(l.head).offset, l.acks
	}
	return l.next, l.acks
}

// CommittableCount is the committable offset, and how many messages were tracked before it.
func (l *Tracker) CommittableCount() (next int64, count uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.head < l.tail {
		return l.at(l.head).offset, l.head
	}
	return l.next, l.head
}

// Acked is the committable offset, and what is acked past it, appended to dst. What stands between two messages that
// are acked counts as acked too: nothing of it has ever been in flight. After Close, the message at the committable
// offset may be acked. The number of acks is that of Position.
func (l *Tracker) Acked(dst AckedRanges) (committable int64, done AckedRanges, news uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := int64(-1) // where a range begins that has not ended
	for t := l.head; t < l.tail; t++ {
		switch e := l.at(t); {
		case e.acked() && from < 0:
			from = e.offset
		case !e.acked() && from >= 0:
			dst, from = append(dst, Range{from, e.offset}), -1
		}
	}
	if from >= 0 {
		dst = append(dst, Range{from, l.next})
	}
	committable = l.next
	if l.head < l.tail {
		committable = l.at(l.head).offset
	}
	return committable, dst.AppendFrom(l.ackedBefore, l.next), l.acks
}

// InFlight is the number of messages at or past the committable offset, acked or not, and when the oldest was handed
// out. It is 0 after Close.
func (l *Tracker) InFlight() (n int, oldest time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.head == l.tail || l.closed {
		return 0, time.Time{}
	}
	return int(l.tail - l.head), time.Unix(0, l.at(l.head).since)
}

// Close ends the tracker: its committable offset stays where it is, whatever is acked later. Acked shows those later
// acks.
func (l *Tracker) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.wake()
}

func (l *Tracker) at(ticket uint64) *inFlight { return &l.ring[ticket&uint64(len(l.ring)-1)] }

func (l *Tracker) wake() {
	if l.headMoved != nil {
		close(l.headMoved)
		l.headMoved = nil
	}
}

func (l *Tracker) grow() {
	old := l.ring
	l.ring = idleRings.get(2 * len(old))
	for t := l.head; t < l.tail; t++ {
		*l.at(t) = old[t&uint64(len(old)-1)]
	}
	idleRings.put(old)
}
