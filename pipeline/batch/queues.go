package batch

import (
	"container/heap"
	"math/bits"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/pipeline/inflight"
)

// Queues hold the calls for one destination that are ready to leave, and those that back off by themselves. They are
// made by NewQueues and are not safe for concurrent use.
//
// A call that heads all its lanes is pushed. One that was never attempted lingers in the queue of its assignment, or of
// the request that it shares with others of its path, for company. One that came back open is delayed, if it has to
// wait, and then goes at once: with others that are retried or, while it is a suspect, with other suspects in smaller
// batches.
type Queues struct {
	destination event.Destination
	limit       inflight.Load // of a batch
	linger      time.Duration
	began       time.Time // what times of arrival count from

	queues          []*inflight.ReadyQueue // those with ready calls
	shared          map[request]*inflight.ReadyQueue
	retries         inflight.Queue // attempted before and under no suspicion: in full batches, at once
	singles         inflight.Queue // cannot travel in a batch
	suspects        [bits.UintSize]inflight.Queue
	suspectSizes    uint64 // which of the queues of suspects hold something
	lastWasSuspects bool   // the last batch was one of suspects, so that others have their turn
	delayed         delayHeap

	ready inflight.Load // of all queues
}

// A request is what calls with a method and path of their own share.
type request struct {
	assignment   *inflight.Assignment
	method, path string
}

func requestOf(c *inflight.Call) request {
	return request{c.Message.Assignment, c.Event.Single.Method, c.Event.Single.Path}
}

// NewQueues makes empty queues of a destination for batches of at most so many calls and bytes.
func NewQueues(of event.Destination, limit inflight.Load, linger time.Duration, began time.Time) *Queues {
	return &Queues{
		destination: of, limit: limit, linger: linger, began: began, shared: map[request]*inflight.ReadyQueue{},
	}
}

// Push makes a call ready, which heads all its lanes.
func (q *Queues) Push(c *inflight.Call) {
	a := c.Message.Assignment
	if a.IsDrained() || a.Draining && c.History != nil {
		a.Abandon(c)
		return
	}
	c.State = inflight.Ready
	a.Queued++
	switch {
	case c.Company == inflight.Alone:
		q.singles.Push(c)
	case c.Limit > 0:
		class := bits.Len(uint(c.Limit))
		q.suspects[class].Push(c)
		q.suspectSizes |= 1 << class
	case c.History != nil:
		q.retries.Push(c)
	default:
		q.pushReady(c)
	}
}

// Extend counts a call that has joined the run behind a ready call.
func (q *Queues) Extend(c *inflight.Call) {
	head := c.Joined()
	if head != nil && head.State == inflight.Ready && head.Counted.Calls > 0 && head.Destination == c.Destination {
		q.count(head, inflight.Load{Calls: 1, Bytes: c.Size()})
	}
}

// Delay keeps a call back until then.
func (q *Queues) Delay(c *inflight.Call, until time.Time) {
	c.State, c.History.NotBefore = inflight.Delayed, until
	heap.Push(&q.delayed, c)
}

// Idle reports whether nothing is ready or backs off by itself.
func (q *Queues) Idle() bool {
	return len(q.queues) == 0 && len(q.delayed) == 0 && q.retries.Head() == nil && q.singles.Head() == nil &&
		q.smallestSuspects() == nil
}

// AbandonDelayed gives up on what backs off under a lease that is being given up.
func (q *Queues) AbandonDelayed(a *inflight.Assignment) {
	kept := q.delayed[:0]
	for _, c := range q.delayed {
		if c.Message.Assignment == a {
			a.Abandon(c)
			continue
		}
		kept = append(kept, c)
	}
	clear(q.delayed[len(kept):])
	q.delayed = kept
	heap.Init(&q.delayed)
}

// Due returns the queue from which a batch should leave now, or how long to wait for one. A wait below zero means
// that nothing is coming by itself. With noLinger nobody waits for company.
//
// Suspects go first, the smallest batches before all: they are few, and each answer narrows the search for a
// culprit. But every other batch is one of others, where there are any: while nobody else is accepted, a failure of
// suspects says nothing, and suspects alone would fail for ever.
func (q *Queues) Due(now time.Time, noLinger bool) (*inflight.Queue, time.Duration) {
	for len(q.delayed) > 0 && !q.delayed[0].History.NotBefore.After(now) {
		q.Push(heap.Pop(&q.delayed).(*inflight.Call))
	}
	suspects := q.smallestSuspects()
	if suspects != nil && !q.lastWasSuspects {
		return suspects, 0
	}
	from, wait := q.unsuspected(now, noLinger)
	if from == nil && suspects != nil {
		return suspects, 0
	}
	return from, wait
}

// smallestSuspects is the queue of the suspects that travel in the smallest batches, or nil.
func (q *Queues) smallestSuspects() *inflight.Queue {
	for q.suspectSizes != 0 {
		class := bits.TrailingZeros64(q.suspectSizes)
		if q.suspects[class].Head() != nil {
			return &q.suspects[class]
		}
		q.suspectSizes &^= 1 << class
	}
	return nil
}

func (q *Queues) unsuspected(now time.Time, noLinger bool) (*inflight.Queue, time.Duration) {
	wait := time.Duration(-1)
	if len(q.delayed) > 0 {
		wait = q.delayed[0].History.NotBefore.Sub(now)
	}
	switch {
	case q.retries.Head() != nil:
		return &q.retries, 0
	case q.singles.Head() != nil:
		return &q.singles, 0
	case len(q.queues) == 0:
		return nil, wait
	}
	from, rest := q.readyDue(now, noLinger)
	if from == nil && wait >= 0 {
		rest = min(rest, wait)
	}
	return from, rest
}

// delayHeap is a heap of delayed calls, the first to come free on top.
type delayHeap []*inflight.Call

func (h delayHeap) Len() int           { return len(h) }
func (h delayHeap) Less(i, j int) bool { return h[i].History.NotBefore.Before(h[j].History.NotBefore) }
func (h delayHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *delayHeap) Push(x any) { *h = append(*h, x.(*inflight.Call)) }

// Pop implements heap.Interface.
func (h *delayHeap) Pop() any {
	old := *h
	c := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return c
}
