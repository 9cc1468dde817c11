package pipeline

import (
	"slices"
	"time"
)

// readyQueue holds the calls of one lease that are ready and were never attempted. A request carries calls of one lease, so each lease
// has a line of its own. They leave in full requests, or linger.
type readyQueue struct {
	fifo
	load                // its entries, and the runs behind them
	since time.Duration // about when the oldest arrived in
}

// full reports whether the line fills a request.
func (q *queue) full(l *readyQueue) bool { return l.reaches(load{q.items, q.bytes}) }

// pushReady puts an entry into the line of its lease.
func (q *queue) pushReady(e *entry) {
	a, items, bytes := e.message.assignment, 1, int(e.size)
	if l := e.link.lane; e.run && l.run > 1 {
		items, bytes = l.run, l.runBytes
	}
	if a.ready.head == nil {
		q.withReady = append(q.withReady, a)
	}
	if arrived := e.message.arrived; a.ready.head == nil || arrived < a.ready.since {
		a.ready.since = arrived
	}
	a.ready.push(e)
	q.count(e, items, bytes)
}

// count adds to what an entry of a line stands for.
func (q *queue) count(e *entry, items, bytes int) {
	l := &e.message.assignment.ready
	e.counted += int32(items)
	e.bytes += int32(bytes)
	l.items += items
	l.bytes += bytes
	q.ready.items += items
	q.ready.bytes += bytes
}

// uncount gives back what an entry was counted for that has been taken from its line.
func (q *queue) uncount(e *entry) {
	a := e.message.assignment
	q.count(e, -int(e.counted), -int(e.bytes))
	if a.ready.head != nil {
		a.ready.since = a.ready.head.message.arrived
		return
	}
	i := slices.Index(q.withReady, a)
	q.withReady = slices.Delete(q.withReady, i, i+1)
}

// missing is what has to arrive before a request may be full; where nothing is ready, whatever arrives is of interest.
func (q *queue) missing() load {
	if len(q.withReady) == 0 {
		return load{1, never.bytes}
	}
	m := load{q.items, q.bytes}
	for _, a := range q.withReady {
		m.items, m.bytes = min(m.items, q.items-a.ready.items), min(m.bytes, q.bytes-a.ready.bytes)
	}
	return m
}

// readyDue gives the line from which a request should leave now, or how long to wait for one. A full one goes first, unless another
// has waited for longer by twice the linger; where nobody may linger the one that fills most of a request goes.
func (q *queue) readyDue(now time.Time, noLinger bool) (*fifo, time.Duration) {
	var full, largest, oldest *assignment
	for _, a := range q.withReady {
		if a.draining {
			return &a.ready.fifo, 0
		}
		if q.full(&a.ready) && (full == nil || a.ready.since < full.ready.since) {
			full = a
		}
		if largest == nil || a.ready.items > largest.ready.items {
			largest = a
		}
		if oldest == nil || a.ready.since < oldest.ready.since {
			oldest = a
		}
	}
	lingered := now.Sub(q.began) - oldest.ready.since
	switch {
	case full != nil && full.ready.since-oldest.ready.since <= 2*q.linger:
		return &full.ready.fifo, 0
	case lingered >= q.linger:
		return &oldest.ready.fifo, 0
	case noLinger:
		return &largest.ready.fifo, 0
	}
	return nil, q.linger - lingered
}
