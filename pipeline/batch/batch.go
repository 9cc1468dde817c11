package batch

import (
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/pipeline/inflight"
)

// Batch is what one request carries. Its calls share one lease. Its zero value is empty.
type Batch struct {
	Assignment *inflight.Assignment
	Entries    []*inflight.Call
	Calls      []event.Call        // those of Entries
	Done       []*inflight.Message // what its answer has finished

	room    int     // bytes left
	limit   int     // calls it may take
	shared  bool    // its calls share a method and path of their own
	request request // then: those
}

// Fill moves calls from the front of one queue into an empty batch. Calls that cannot move any more because their
// lease has run out are abandoned instead, and what no longer fits stays where it is.
func (q *Queues) Fill(b *Batch, from *inflight.Queue, now time.Time) {
	b.room, b.limit = q.limit.Bytes, q.limit.Calls
	if from == &q.singles {
		b.limit = 1
	}
	for from.Head() != nil && len(b.Entries) < b.limit {
		c := from.Head()
		a := c.Message.Assignment
		if b.Assignment == nil {
			if a.Expired(now) {
				q.pop(from)
				a.Abandon(c)
				a.CheckDrained()
				continue
			}
			b.Assignment = a
			if c.Company == inflight.OfItsPath {
				b.shared, b.request = true, requestOf(c)
			}
		}
		if !b.accepts(c) {
			return
		}
		q.pop(from)
		b.append(c)
		if !c.Shares() {
			continue
		}
		for k := c.Behind(); k != nil && b.joins(k, c); k = k.Behind() {
			b.append(k)
		}
	}
}

// accepts reports whether a call may be in the batch, as far as its lanes do not matter.
func (b *Batch) accepts(c *inflight.Call) bool {
	switch {
	case c.Message.Assignment != b.Assignment:
		return false
	case b.shared != (c.Company == inflight.OfItsPath), b.shared && requestOf(c) != b.request:
		return false
	}
	return len(b.Entries) == 0 || c.Size() <= b.room
}

// pop takes the call at the front and gives back what it was counted for.
func (q *Queues) pop(from *inflight.Queue) {
	c := from.Pop()
	q.lastWasSuspects = c.Limit > 0 && c.Company != inflight.Alone
	if c.Counted.Calls > 0 {
		q.uncount(c)
	}
	c.Message.Assignment.Queued--
}

// joins reports whether a call, which follows head in its lane, may ride along.
func (b *Batch) joins(c, head *inflight.Call) bool {
	return c.Shares() && c.State == inflight.Waiting && c.Limit == head.Limit && c.Destination == head.Destination &&
		len(b.Entries) < b.limit && b.accepts(c)
}

func (b *Batch) append(c *inflight.Call) {
	c.State = inflight.Sending
	b.Assignment.Sending++
	b.Entries = append(b.Entries, c)
	b.Calls = append(b.Calls, *c.Event)
	b.room -= c.Size()
	if c.Limit > 0 {
		b.limit = min(b.limit, int(c.Limit))
	}
}

// Reset empties the batch for its sender's next one.
func (b *Batch) Reset() {
	clear(b.Entries)
	clear(b.Calls)
	clear(b.Done)
	b.Assignment, b.Entries, b.Calls, b.Done = nil, b.Entries[:0], b.Calls[:0], b.Done[:0]
	b.shared, b.request = false, request{}
}
