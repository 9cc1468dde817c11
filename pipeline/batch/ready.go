package batch

import (
	"math"
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/pipeline/inflight"
)

// Ahead is how many full requests are made ready ahead of the senders, and one more for every assignment after the
// first. More would make nothing faster, and take the place of what is read next in the processor's caches.
const Ahead = 4

// Never is more than there can be.
var Never = inflight.Load{Calls: math.MaxInt, Bytes: math.MaxInt}

// pushReady puts a call into the queue of its assignment.
func (q *Queues) pushReady(c *inflight.Call) {
	a := c.Message.Assignment
	calls, bytes := c.Run()
	if a.Ready.Head() == nil {
		q.assignments = append(q.assignments, a)
	}
	if arrived := c.Message.Arrived; a.Ready.Head() == nil || arrived < a.Ready.Since {
		a.Ready.Since = arrived
	}
	a.Ready.Push(c)
	q.count(c, inflight.Load{Calls: calls, Bytes: bytes})
}

// count adds to what a ready call stands for.
func (q *Queues) count(c *inflight.Call, more inflight.Load) {
	ready := &c.Message.Assignment.Ready
	c.Counted = c.Counted.Plus(more)
	ready.Load = ready.Plus(more)
	q.ready = q.ready.Plus(more)
}

// uncount gives back what a call was counted for that has been taken from the queue of its assignment.
func (q *Queues) uncount(c *inflight.Call) {
	a := c.Message.Assignment
	q.count(c, inflight.Load{}.Minus(c.Counted))
	if head := a.Ready.Head(); head != nil {
		a.Ready.Since = head.Message.Arrived
		return
	}
	i := slices.Index(q.assignments, a)
	q.assignments = slices.Delete(q.assignments, i, i+1)
}

// Missing is what has to arrive before a request may be full; where nothing is ready, whatever arrives is of
// interest.
func (q *Queues) Missing() inflight.Load {
	if len(q.assignments) == 0 {
		return inflight.Load{Calls: 1, Bytes: math.MaxInt}
	}
	m := q.limit
	for _, a := range q.assignments {
		rest := q.limit.Minus(a.Ready.Load)
		m.Calls, m.Bytes = min(m.Calls, rest.Calls), min(m.Bytes, rest.Bytes)
	}
	return m
}

// Room is what may arrive before enough is ready for the senders. Half says that less than half of enough is.
func (q *Queues) Room() (room inflight.Load, half bool) {
	requests := Ahead + max(0, len(q.assignments)-1)
	enough := inflight.Load{Calls: requests * q.limit.Calls, Bytes: requests * q.limit.Bytes}
	return enough.Minus(q.ready), !q.ready.Reaches(inflight.Load{Calls: enough.Calls / 2, Bytes: enough.Bytes / 2})
}

// readyDue gives the queue from which a request should leave now, or how long to wait for one. A full one goes
// first, unless another has waited for longer by twice the linger; where nobody may linger, the one that fills most
// of a request goes.
func (q *Queues) readyDue(now time.Time, noLinger bool) (*inflight.Queue, time.Duration) {
	var full, largest, oldest *inflight.ReadyQueue
	for _, a := range q.assignments {
		r := &a.Ready
		if a.Draining {
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
