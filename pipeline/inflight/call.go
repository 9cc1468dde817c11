package inflight

import (
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/pipeline/breaker"
	"github.com/ciobridge/ciobridge/pipeline/lanes"
)

// Call is one call in flight. What a sender looks at when it passes along a lane stands first, together.
type Call struct {
	lanes.Node[Call]

	Message *Message // nil once the call is settled
	Limit   int32    // a suspect travels in requests of at most so many calls; 0 means no suspicion
	State   State
	Company Company

	Destination event.Destination

	Event   *event.Call
	Step    *event.Step
	Rule    *breaker.Rule
	History *History // nil until the call comes back open

	Next    *Call // in the queue of ready calls
	Counted Load  // what the call stands for while it is ready: itself, and the run behind it
}

// Init makes an empty entry one of a message's calls. With relaxed, calls that change a person's state may share a
// request too.
func (c *Call) Init(m *Message, e *event.Call, relaxed bool) {
	c.Message, c.Event, c.Step, c.Destination = m, e, e.Step, e.Step.Destination
	if r := e.Single; r != nil {
		c.Company, c.Destination = Alone, r.Destination
		if r.Shared {
			c.Company = OfItsPath
		}
	}
	c.Node = lanes.NewNode(c, e.Lanes, e.Size(), e.Single == nil && (e.Step.Repeatable || relaxed))
}

// Company says with which calls one may share a request.
type Company uint8

const (
	// InBatch is with any others that a batch carries.
	InBatch Company = iota
	// Alone is with none.
	Alone
	// OfItsPath is with those of its method and path.
	OfItsPath
)

// State says where a call is.
type State uint8

const (
	// Waiting calls have something of their person before them, or ride in a run.
	Waiting State = iota
	// Ready calls head all their lanes and wait for a sender.
	Ready
	// Delayed calls back off by themselves until History.NotBefore.
	Delayed
	// Sending calls are in a request.
	Sending
	// Abandoned calls cannot move, because their lease is being given up or their rule has stopped. They hold their
	// lanes until the assignment ends.
	Abandoned
)

// History is what a call that came back open has behind it. Few do, and what stands in every Call costs memory for
// every call.
type History struct {
	NotBefore     time.Time // when it has backed off
	Attempts      int       // attempts that reached the wire
	First         time.Time // of the first failure
	Accepted      uint64    // requests that had been accepted, by anybody, when the call last failed
	Alone         time.Time // of the first failure while alone in its request
	AloneFailures int       // failures while alone, with others accepted in between
}

// A Load is a number of calls and their bytes.
type Load struct{ Calls, Bytes int }

// Reaches reports whether there are as many calls, or as many bytes, as in the other.
func (l Load) Reaches(other Load) bool { return l.Calls >= other.Calls || l.Bytes >= other.Bytes }

// Plus is both together.
func (l Load) Plus(other Load) Load { return Load{l.Calls + other.Calls, l.Bytes + other.Bytes} }

// Minus is what is left without the other.
func (l Load) Minus(other Load) Load { return Load{l.Calls - other.Calls, l.Bytes - other.Bytes} }

// A Queue holds ready calls, first in, first out.
type Queue struct{ head, tail *Call }

// Head is the call that has waited for the longest, or nil.
func (q *Queue) Head() *Call { return q.head }

// Push puts a call at the end.
func (q *Queue) Push(c *Call) {
	c.Next = nil
	if q.tail == nil {
		q.head = c
	} else {
		q.tail.Next = c
	}
	q.tail = c
}

// Pop takes the call at the front out of the queue, which holds one.
func (q *Queue) Pop() *Call {
	c := q.head
	q.head, c.Next = c.Next, nil
	if q.head == nil {
		q.tail = nil
	}
	return c
}
