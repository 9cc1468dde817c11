package inflight

import (
	"iter"
	"math"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// Assignment is what is in flight under one lease.
//
// It begins with the lease's first message. When the lease ends it is draining: what is ready or in a request may
// still go, until the lease's deadline; what backs off is abandoned. When nothing of it moves any more it is
// drained, and the pipeline drops the rest, which comes again from the source.
type Assignment struct {
	Lease    event.Lease
	Draining bool

	Ready      []ReadyQueue // by destination, calls for its batches that were never attempted
	Queued     int          // calls that a sender will take, those of Ready among them
	Sending    int          // calls in a request
	Letters    int          // dead letters that are not stored yet
	Acking     int          // messages whose Done is about to be called
	Unregister func() bool

	// Of the input queue, and guarded by its lock: in which round the last message came, and when the first of that
	// round did.
	Round   uint64
	Arrived time.Duration

	messages Message // head of the list
	drained  chan struct{}
	stopped  bool // drained is closed
}

// ReadyQueue holds calls that may share a request, are ready, and were never attempted. A request carries calls of one
// lease, so each lease has a queue of its own. They leave in full requests, or linger.
type ReadyQueue struct {
	Queue
	Assignment *Assignment
	Load                     // its calls, and the runs behind them
	Since      time.Duration // when the oldest arrived
}

// NewAssignment makes an assignment with nothing in flight, whose calls have so many destinations.
func NewAssignment(lease event.Lease, destinations int) *Assignment {
	a := &Assignment{
		Lease: lease, Ready: make([]ReadyQueue, destinations), drained: make(chan struct{}), Round: math.MaxUint64,
	}
	for i := range a.Ready {
		a.Ready[i].Assignment = a
	}
	a.messages.prev, a.messages.next = &a.messages, &a.messages
	return a
}

// Add puts a message into the assignment.
func (a *Assignment) Add(m *Message) {
	m.prev, m.next = a.messages.prev, &a.messages
	m.prev.next, m.next.prev = m, m
}

// Remove takes a message out of it.
func (a *Assignment) Remove(m *Message) {
	m.prev.next, m.next.prev = m.next, m.prev
	m.prev, m.next = nil, nil
}

// Messages are those in flight, in the order in which they came. Each may be removed while it is looked at.
func (a *Assignment) Messages() iter.Seq[*Message] {
	return func(yield func(*Message) bool) {
		for m := a.messages.next; m != &a.messages; {
			next := m.next
			if !yield(m) {
				return
			}
			m = next
		}
	}
}

// Expired reports whether no attempt may begin under the lease any more.
func (a *Assignment) Expired(now time.Time) bool {
	deadline, ok := a.Lease.Deadline()
	return ok && !now.Before(deadline)
}

// Abandon gives up on a call that cannot move before its lease ends. It stays in its lanes, so that nothing
// overtakes it, and comes again from the source.
func (a *Assignment) Abandon(c *Call) { c.State = Abandoned }

// CheckDrained closes Drained when nothing of a draining assignment moves any more. From then on nothing may.
func (a *Assignment) CheckDrained() {
	if a.Draining && !a.stopped && a.Queued == 0 && a.Sending == 0 && a.Letters == 0 && a.Acking == 0 {
		a.stopped = true
		close(a.drained)
	}
}

// Drained is closed when the assignment is drained.
func (a *Assignment) Drained() <-chan struct{} { return a.drained }

// IsDrained reports whether it is.
func (a *Assignment) IsDrained() bool { return a.stopped }
