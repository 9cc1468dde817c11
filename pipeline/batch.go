package pipeline

import (
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// A batch is what one request carries. Its calls share one lease.
type batch struct {
	assignment *assignment
	entries    []*entry
	calls      []event.Call
	done       []*message // what its answer has settled
	room       int        // bytes left
	limit      int        // calls it may take
}

// fillBatch moves entries from the front of one queue into the empty batch. Entries that cannot move any more because their lease
// has run out are released instead, and what no longer fits stays where it is.
func (q *queue) fillBatch(b *batch, from *fifo, now time.Time) {
	b.room, b.limit = q.bytes, q.items
	if from == &q.singles {
		b.limit = 1
	}
	for from.head != nil && len(b.entries) < b.limit {
		e := from.head
		a := e.message.assignment
		if b.assignment == nil {
			if a.expired(now) {
				q.pop(from)
				a.abandon(e)
				a.checkDrained()
				continue
			}
			b.assignment = a
		}
		if a != b.assignment || len(b.entries) > 0 && int(e.size) > b.room {
			return
		}
		q.pop(from)
		b.append(e)
		for k := e.link.next; e.run && k != nil && b.joins(k.entry, e); k = k.next {
			b.append(k.entry)
		}
	}
}

// pop takes the front entry and gives back what it was counted for.
func (q *queue) pop(from *fifo) {
	e := from.pop()
	q.lastWasSuspects = e.limit > 0 && !e.single
	if e.counted > 0 {
		q.uncount(e)
	}
	e.message.assignment.queued--
}

// joins reports whether e, which follows head in its lane, may ride along.
func (b *batch) joins(e, head *entry) bool {
	return e.run && e.state == waiting && e.limit == head.limit && e.message.assignment == b.assignment &&
		len(b.entries) < b.limit && int(e.size) <= b.room
}

func (b *batch) append(e *entry) {
	e.state = sending
	b.assignment.sending++
	b.entries = append(b.entries, e)
	b.calls = append(b.calls, *e.call)
	b.room -= int(e.size)
	if e.limit > 0 {
		b.limit = min(b.limit, int(e.limit))
	}
}

// reset empties the batch for its sender's next one.
func (b *batch) reset() {
	clear(b.entries)
	clear(b.calls)
	clear(b.done)
	b.assignment, b.entries, b.calls, b.done = nil, b.entries[:0], b.calls[:0], b.done[:0]
}
