package batch

import (
	"math"
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/pipeline/inflight"
)

// Ahead is how many full requests are made ready ahead of the senders, and one more for every queue after the first.
// More would make nothing faster, and take the place of what is read next in the processor's caches.
const Ahead = 4

// Never is more than there can be.
var Never = inflight.Load{Calls: math.MaxInt, Bytes: math.MaxInt}

// queueOf is the queue in which a call is ready that was never attempted.
func (q *Queues) queueOf(c *inflight.Call) *inflight.ReadyQueue {
	if c.Company != inflight.OfItsPath {
		return &c.Message.Assignment.Ready[q.destination]
	}
	r := q.shared[requestOf(c)]
	if r == nil {
		r = &inflight.ReadyQueue{Assignment: c.Message.Assignment}
		q.shared[requestOf(c)] = r
	}
	return r
}

// pushReady puts a call into its queue.
func (q *Queues) pushReady(c *inflight.Call) {
	r := q.queueOf(c)
	calls, bytes := c.Run()
	if r.Head() == nil {
		q.queues = append(q.queues, r)
	}
	if arrived := c.Message.Arrived; r.Head() == nil || arrived < r.Since {
		r.Since = arrived
	}
	r.Push(c)
	q.count(c, inflight.Load{Calls: calls, Bytes: bytes})
}

// count adds to what a ready call stands for.
func (q *Queues) count(c *inflight.Call, more inflight.Load) {
	ready := q.queueOf(c)
	c.Counted = c.Counted.Plus(more)
	ready.Load = ready.Plus(more)
	q.ready = q.ready.Plus(more)
}

// uncount gives back what a call was counted for that has been taken from its queue.
func (q *Queues) uncount(c *inflight.Call) {
	r := q.queueOf(c)
	q.count(c, inflight.Load{}.Minus(c.Counted))
	if head := r.Head(); head != nil {
		r.Since = head.Message.Arrived
		return
	}
	i := slices.Index(q.queues, r)
	q.queues = slices.Delete(q.queues, i, i+1)
	if c.Company == inflight.OfItsPath {
		delete(q.shared, requestOf(c))
	}
}

// Empty reports whether nothing lingers for company.
func (q *Queues) Empty() bool { return len(q.queues) == 0 }

// Missing is what has to arrive before a request may be full; where nothing is ready, whatever arrives is of
// interest.
func (q *Queues) Missing() inflight.Load {
	if q.Empty() {
		return inflight.Load{Calls: 1, Bytes: math.MaxInt}
	}
	m := q.limit
	for _, r := range q.queues {
		rest := q.limit.Minus(r.Load)
		m.Calls, m.Bytes = min(m.Calls, rest.Calls), min(m.Bytes, rest.Bytes)
	}
	return m
}

// Room is what may arrive before enough is ready for the senders. Half says that less than half of enough is.
func (q *Queues) Room() (room inflight.Load, half bool) {
	requests := Ahead + max(0, len(q.queues)-1)
	enough := inflight.Load{Calls: requests * q.limit.Calls, Bytes: requests * q.limit.Bytes}
	return enough.Minus(q.ready), !q.ready.Reaches(inflight.Load{Calls: enough.Calls / 2, Bytes: enough.Bytes / 2})
}

// readyDue gives the queue from which a request should leave now, or how long to wait for one. A full one goes
// first, unless another has waited for longer by twice the linger; where nobody may linger, the one that fills most
// of a request goes.
func (q *Queues) readyDue(now time.Time, noLinger bool) (*inflight.Queue, time.Duration) {
	var full, largest, oldest *inflight.ReadyQueue
	for _, r := range q.queues {
		if r.Assignment.Draining {
			return &r.Queue, 0
		}
		if r.Reaches(q.limit) && (full == nil || r.Since < full.Since) {
			full = r
		}
		if largest == nil || r.Calls > largest.Calls {
			largest = r
		}
		if oldest == nil || r.Since < oldest.Since {
			oldest = r
		}
	}
	lingered := now.Sub(q.began) - oldest.Since
	switch {
	case full != nil && full.Since-oldest.Since <= 2*q.linger:
		return &full.Queue, 0
	case lingered >= q.linger:
		return &oldest.Queue, 0
	case noLinger:
		return &largest.Queue, 0
	}
	return nil, q.linger - lingered
}
