package consumer

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ledger knows which messages of one partition are in hand and up to where all are done. Offsets are those of the broker and
// only grow, with holes. Adding and settling cost the same whatever is in hand. It is safe for concurrent use.
type ledger struct {
	limit int // how many messages may stand past the floor

	mu     sync.Mutex
	ring   []entry // its length is a power of two; grows up to the limit, and is given back when nothing is in hand
	least  [smallestRing]entry
	head   uint64 // ticket of the oldest message that is not done
	tail   uint64 // ticket of the next message
	next   int64  // the floor once everything in hand is done
	news   uint64 // how often something was settled
	closed bool
	room   chan struct{} // closed when the head moves, while somebody waits for that

	earlier settled       // what was done when reading began
	cursor  settledCursor // over earlier; the reader's own
}

// entry is one message in hand.
type entry struct {
	offset int64
	since  int64 // when it was handed out, in nanoseconds of unix time; 0 once it is done
}

func (e *entry) done() bool { return e.since == 0 }

// resume says what is done past the start already. It comes before the first message.
func (l *ledger) resume(done settled) { l.earlier, l.cursor = done, settledCursor{done: done} }

// already reports whether a message was done when reading began. Who adds messages asks for it before, and settles such a message at once.
func (l *ledger) already(offset int64) bool { return l.cursor.has(offset) }

var errLedgerClosed = errors.New("the partition has been given up")

// newLedger starts at the offset of the first message that will be added, or before it.
func newLedger(start int64, limit int) *ledger {
	l := &ledger{next: start, limit: limit}
	l.ring = l.least[:]
	return l
}

// add puts a message in hand and returns the ticket with which it is settled. While the limit is reached it waits for the oldest
// message to be done, for ctx or for close. The caller adds in the order of the offsets, from one goroutine.
func (l *ledger) add(ctx context.Context, offset int64, now time.Time) (ticket uint64, err error) {
	l.mu.Lock()
	for !l.closed && l.tail-l.head >= uint64(l.limit) {
		if l.room == nil {
			l.room = make(chan struct{})
		}
		room := l.room
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
		return 0, errLedgerClosed
	}
	if l.tail-l.head == uint64(len(l.ring)) {
		l.grow()
	}
	ticket = l.tail
	*l.at(ticket) = entry{offset: offset, since: now.UnixNano()}
	l.tail++
	l.next = offset + 1
	return ticket, nil
}

// settle marks a message as done. It reports whether that was news: false when it was done before or when the ledger is closed.
func (l *ledger) settle(ticket uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ticket < l.head || ticket >= l.tail || l.at(ticket).done() {
		return false
	}
	l.at(ticket).since = 0
	l.news++
	if l.closed {
		return false
	}
	if ticket != l.head {
		return true
	}
	for l.head < l.tail && l.at(l.head).done() {
		l.head++
	}
	if l.head == l.tail && len(l.ring) > smallestRing {
		rings.give(l.ring)
		l.ring = l.least[:]
	}
	l.wake()
	return true
}

// skip says that no message stands before next, beyond those that were added.
func (l *ledger) skip(next int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = max(l.next, next)
}

// floor is the offset up to which, exclusive, everything is done. It never moves back.
func (l *ledger) floor() int64 {
	floor, _ := l.position()
	return floor
}

// position is the floor and how often something was settled: while it is the same, the same is done.
func (l *ledger) position() (floor int64, news uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.head < l.tail {
		return l.at(l.head).offset, l.news
	}
	return l.next, l.news
}

// prefix is the floor of the ledger, which is the sequence after the last message that is done, and the number of messages that stand before it.
func (l *ledger) prefix() (next int64, count uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.head < l.tail {
		return l.at(l.head).offset, l.head
	}
	return l.next, l.head
}

// settled is the floor, and what is done past it, appended to dst. What stands between two messages that are done is taken for done
// too: nothing of it has ever been in hand. After close, what stands at the floor may be done. News is that of position.
func (l *ledger) settled(dst settled) (floor int64, done settled, news uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := int64(-1) // where a span begins that has not ended
	for t := l.head; t < l.tail; t++ {
		switch e := l.at(t); {
		case e.done() && from < 0:
			from = e.offset
		case !e.done() && from >= 0:
			dst, from = append(dst, span{from, e.offset}), -1
		}
	}
	if from >= 0 {
		dst = append(dst, span{from, l.next})
	}
	floor = l.next
	if l.head < l.tail {
		floor = l.at(l.head).offset
	}
	return floor, dst.after(l.earlier, l.next), l.news
}

// inHand is the number of messages past the floor, those done out of turn included, and when the oldest was handed out; 0 after close.
func (l *ledger) inHand() (n int, oldest time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.head == l.tail || l.closed {
		return 0, time.Time{}
	}
	return int(l.tail - l.head), time.Unix(0, l.at(l.head).since)
}

// close ends the ledger: its floor stays where it is, whatever is settled later. That shows among what is done past the floor.
func (l *ledger) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.wake()
}

func (l *ledger) at(ticket uint64) *entry { return &l.ring[ticket&uint64(len(l.ring)-1)] }

func (l *ledger) wake() {
	if l.room != nil {
		close(l.room)
		l.room = nil
	}
}

func (l *ledger) grow() {
	old := l.ring
	l.ring = rings.take(2 * len(old))
	for t := l.head; t < l.tail; t++ {
		*l.at(t) = old[t&uint64(len(old)-1)]
	}
	rings.give(old)
}
