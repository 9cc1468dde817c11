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
	items, bytes int // limits of a batch
	linger       time.Duration
	began        time.Time // what calls' times count from

	lines   []*tenancy // those that have fresh calls
	again   fifo       // attempted before and under no suspicion: in full batches, at once
	single  fifo       // cannot travel in a batch
	suspect [bits.UintSize]fifo
	marked  uint64 // which of the suspect queues hold something
	others  bool   // the last batch was one of suspects, so that others have their turn
	held    holding

	fresh load // of all lines
}

// push makes the entry ready.
func (q *queue) push(e *entry) {
	t := e.parcel.tenancy
	if t.resting || t.draining && e.past != nil {
		t.release(e)
		return
	}
	e.state = ready
	t.ready++
	switch {
	case e.single:
		q.single.push(e)
	case e.limit > 0:
		class := bits.Len(uint(e.limit))
		q.suspect[class].push(e)
		q.marked |= 1 << class
	case e.past != nil:
		q.again.push(e)
	default:
		q.pushFresh(e)
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

// hold keeps the entry back until then.
func (q *queue) hold(e *entry, until time.Time) {
	e.state, e.past.until = held, until
	heap.Push(&q.held, e)
}

// release makes everything ready whose time has come.
func (q *queue) release(now time.Time) {
	for len(q.held) > 0 && !q.held[0].past.until.After(now) {
		q.push(heap.Pop(&q.held).(*entry))
	}
}

// releaseHeld gives up on what backs off under a lease that is being given up.
func (q *queue) releaseHeld(t *tenancy) {
	kept := q.held[:0]
	for _, e := range q.held {
		if e.parcel.tenancy == t {
			t.release(e)
			continue
		}
		kept = append(kept, e)
	}
	clear(q.held[len(kept):])
	q.held = kept
	heap.Init(&q.held)
}

// due returns the queue from which a batch should leave now, or how long to wait for one. A wait below zero means that
// nothing is coming by itself. Suspects go first, the smallest batches before all: they are few, and each answer narrows the
// search for a culprit. But every other batch is one of others, where there are any: while nobody else is accepted, a failure
// of suspects says nothing, and suspects alone would fail for ever.
func (q *queue) due(now time.Time, hurry bool) (*fifo, time.Duration) {
	q.release(now)
	suspects := q.suspects()
	if suspects != nil && !q.others {
		return suspects, 0
	}
	from, wait := q.unsuspected(now, hurry)
	if from == nil && suspects != nil {
		return suspects, 0
	}
	return from, wait
}

// suspects is the queue of the suspects that travel in the smallest batches, or nil.
func (q *queue) suspects() *fifo {
	for q.marked != 0 {
		class := bits.TrailingZeros64(q.marked)
		if q.suspect[class].head != nil {
			return &q.suspect[class]
		}
		q.marked &^= 1 << class
	}
	return nil
}

func (q *queue) unsuspected(now time.Time, hurry bool) (*fifo, time.Duration) {
	wait := time.Duration(-1)
	if len(q.held) > 0 {
		wait = q.held[0].past.until.Sub(now)
	}
	switch {
	case q.again.head != nil:
		return &q.again, 0
	case q.single.head != nil:
		return &q.single, 0
	case len(q.lines) == 0:
		return nil, wait
	}
	from, rest := q.freshDue(now, hurry)
	if from == nil && wait >= 0 {
		rest = min(rest, wait)
	}
	return from, rest
}

// holding is a heap of held entries, the first to come free on top.
type holding []*entry

func (h holding) Len() int           { return len(h) }
func (h holding) Less(i, j int) bool { return h[i].past.until.Before(h[j].past.until) }
func (h holding) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *holding) Push(x any) { *h = append(*h, x.(*entry)) }

// Pop implements heap.Interface.
func (h *holding) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return e
}
