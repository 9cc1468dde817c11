package pipeline

import (
	"slices"
	"time"
)

// line holds the calls of one lease that are ready and were never attempted. A request carries calls of one lease, so each lease
// has a line of its own. They leave in full requests, or linger.
type line struct {
	fifo
	load                // its entries, and the runs behind them
	since time.Duration // about when the oldest came in
}

// full reports whether the line fills a request.
func (q *queue) full(l *line) bool { return l.items >= q.items || l.bytes >= q.bytes }

// pushFresh puts an entry into the line of its lease.
func (q *queue) pushFresh(e *entry) {
	t, items, bytes := e.parcel.tenancy, 1, int(e.size)
	if l := e.link.lane; e.run && l.run > 1 {
		items, bytes = l.run, l.runBytes
	}
	if t.fresh.head == nil {
		q.lines = append(q.lines, t)
	}
	if came := e.parcel.came; t.fresh.head == nil || came < t.fresh.since {
		t.fresh.since = came
	}
	t.fresh.push(e)
	q.count(e, items, bytes)
}

// count adds to what an entry of a line stands for.
func (q *queue) count(e *entry, items, bytes int) {
	l := &e.parcel.tenancy.fresh
	e.counted += int32(items)
	e.bytes += int32(bytes)
	l.items += items
	l.bytes += bytes
	q.fresh.items += items
	q.fresh.bytes += bytes
}

// leaveFresh gives back what an entry was counted for that has been taken from its line.
func (q *queue) leaveFresh(e *entry) {
	t := e.parcel.tenancy
	q.count(e, -int(e.counted), -int(e.bytes))
	if t.fresh.head != nil {
		t.fresh.since = t.fresh.head.parcel.came
		return
	}
	i := slices.Index(q.lines, t)
	q.lines = slices.Delete(q.lines, i, i+1)
}

// ahead is how many full requests are made ready ahead of the senders, and one more for every line after the first. More would make
// nothing faster, and take the place of what is read next in the processor's caches.
const ahead = 4

// freshDue gives the line from which a request should leave now, or how long to wait for one. A full one goes first, unless another
// has waited for longer by twice the linger; in a hurry the one that fills most of a request goes.
func (q *queue) freshDue(now time.Time, hurry bool) (*fifo, time.Duration) {
	var full, largest, oldest *tenancy
	for _, t := range q.lines {
		if t.draining {
			return &t.fresh.fifo, 0
		}
		if q.full(&t.fresh) && (full == nil || t.fresh.since < full.fresh.since) {
			full = t
		}
		if largest == nil || t.fresh.items > largest.fresh.items {
			largest = t
		}
		if oldest == nil || t.fresh.since < oldest.fresh.since {
			oldest = t
		}
	}
	lingered := now.Sub(q.began) - oldest.fresh.since
	switch {
	case full != nil && full.fresh.since-oldest.fresh.since <= 2*q.linger:
		return &full.fresh.fifo, 0
	case lingered >= q.linger:
		return &oldest.fresh.fifo, 0
	case hurry:
		return &largest.fresh.fifo, 0
	}
	return nil, q.linger - lingered
}
