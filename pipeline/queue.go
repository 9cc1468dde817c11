package pipeline

import (
	"container/heap"
	"math/bits"
	"time"
)

// A fifo is a queue of ready entries.
type fifo struct{ head, tail *entry }

func (q *fifo) push(e *entry) {
	e.next = nil
	if q.tail == nil {
		q.head = e
	} else {
		q.tail.next = e
	}
	q.tail = e
}

func (q *fifo) pop() *entry {
	e := q.head
	q.head, e.next = e.next, nil
	if q.head == nil {
		q.tail = nil
	}
	return e
}

// queue holds the entries that are ready to leave, and those that back off by themselves.
type queue struct {
	items, bytes int // limits of a batch: its calls, and the bytes of them
	linger       time.Duration
	began        time.Time // what calls' times count from

	withReady       []*assignment // those that have fresh calls
	retries         fifo          // attempted before and under no suspicion: in full batches, at once
	singles         fifo          // cannot travel in a batch
	suspect         [bits.UintSize]fifo
	suspectSizes    uint64 // which of the suspect queues hold something
	lastWasSuspects bool   // the last batch was one of suspects, so that others have their turn
	delayed         delayHeap

	ready load // of all lines
}

// push makes the entry ready.
func (q *queue) push(e *entry) {
	a := e.message.assignment
	if a.isDrained || a.draining && e.history != nil {
		a.abandon(e)
		return
	}
	e.state = ready
	a.queued++
	switch {
	case e.single:
		q.singles.push(e)
	case e.limit > 0:
		class := bits.Len(uint(e.limit))
		q.suspect[class].push(e)
		q.suspectSizes |= 1 << class
	case e.history != nil:
		q.retries.push(e)
	default:
		q.pushReady(e)
	}
}

// extend counts an entry that has joined the run behind a ready entry of a line.
func (q *queue) extend(e *entry) {
	if !e.run || e.link.lane.sealed {
		return
	}
	head := e.link.lane.head.entry
	if head.state == ready && head.counted > 0 {
		q.count(head, 1, int(e.size))
	}
}

// delay keeps the entry back until then.
func (q *queue) delay(e *entry, until time.Time) {
	e.state, e.history.notBefore = delayed, until
	heap.Push(&q.delayed, e)
}

// retryDue makes everything ready whose time has come.
func (q *queue) retryDue(now time.Time) {
	for len(q.delayed) > 0 && !q.delayed[0].history.notBefore.After(now) {
		q.push(heap.Pop(&q.delayed).(*entry))
	}
}

// abandonDelayed gives up on what backs off under a lease that is being given up.
func (q *queue) abandonDelayed(a *assignment) {
	kept := q.delayed[:0]
	for _, e := range q.delayed {
		if e.message.assignment == a {
			a.abandon(e)
			continue
		}
		kept = append(kept, e)
	}
	clear(q.delayed[len(kept):])
	q.delayed = kept
	heap.Init(&q.delayed)
}

// due returns the queue from which a batch should leave now, or how long to wait for one. A wait below zero means that
// nothing is coming by itself. Suspects go first, the smallest batches before all: they are few, and each answer narrows the
// search for a culprit. But every other batch is one of others, where there are any: while nobody else is accepted, a failure
// of suspects says nothing, and suspects alone would fail for ever.
func (q *queue) due(now time.Time, noLinger bool) (*fifo, time.Duration) {
	q.retryDue(now)
	suspects := q.suspects()
	if suspects != nil && !q.lastWasSuspects {
		return suspects, 0
	}
	from, wait := q.unsuspected(now, noLinger)
	if from == nil && suspects != nil {
		return suspects, 0
	}
	return from, wait
}

// suspects is the queue of the suspects that travel in the smallest batches, or nil.
func (q *queue) suspects() *fifo {
	for q.suspectSizes != 0 {
		class := bits.TrailingZeros64(q.suspectSizes)
		if q.suspect[class].head != nil {
			return &q.suspect[class]
		}
		q.suspectSizes &^= 1 << class
	}
	return nil
}

func (q *queue) unsuspected(now time.Time, noLinger bool) (*fifo, time.Duration) {
	wait := time.Duration(-1)
	if len(q.delayed) > 0 {
		wait = q.delayed[0].history.notBefore.Sub(now)
	}
	switch {
	case q.retries.head != nil:
		return &q.retries, 0
	case q.singles.head != nil:
		return &q.singles, 0
	case len(q.withReady) == 0:
		return nil, wait
	}
	from, rest := q.readyDue(now, noLinger)
	if from == nil && wait >= 0 {
		rest = min(rest, wait)
	}
	return from, rest
}

// delayHeap is a heap of held entries, the first to come free on top.
type delayHeap []*entry

func (h delayHeap) Len() int           { return len(h) }
func (h delayHeap) Less(i, j int) bool { return h[i].history.notBefore.Before(h[j].history.notBefore) }
func (h delayHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *delayHeap) Push(x any) { *h = append(*h, x.(*entry)) }

// Pop implements heap.Interface.
func (h *delayHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return e
}
