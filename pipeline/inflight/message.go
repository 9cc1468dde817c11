package inflight

import (
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/memory"
	"github.com/ciobridge/ciobridge/pipeline/breaker"
)

// Message is a message in flight, with the calls it became. It is finished when all its calls are settled and what
// failed of it is stored as a dead letter.
type Message struct {
	Assignment *Assignment
	// Arrived is when the message was enqueued, since the pipeline was made. Linger counts from here, also for
	// calls that waited behind another call of the same person.
	Arrived  time.Duration
	Failures []event.Failure // of mapping it, and of its calls: they become one dead letter
	Open     int32           // calls that are not settled
	Size     int32           // bytes that its calls add to requests
	Skipped  int32           // messages that no rule wanted, before it
	Urgent   bool            // something of it does not wait for company

	order // in which the source is told
	first [1]Call
	more  *[]Call // where it has more calls than one

	prev, next *Message // in the assignment's list; nil when it is out of it

	Done    func() // tells the source
	Account *memory.Account
	Bytes   int64 // that it has reserved
	Calls   []event.Call
	Event   event.Message
}

// Init makes an empty message one of what was read and what it became.
func (m *Message) Init(read *event.Message, done func(), calls []event.Call, failures []event.Failure) {
	m.Event, m.Done, m.Calls, m.Failures = *read, done, calls, failures
	m.Open, m.Urgent = int32(len(calls)), len(failures) > 0
	if len(calls) > 1 {
		more := make([]Call, len(calls))
		m.more = &more
	}
}

// Entries gives one for each of Calls.
func (m *Message) Entries() []Call {
	if m.more != nil {
		return *m.more
	}
	return m.first[:len(m.Calls)]
}

// Rules gives the rule of each call.
func (m *Message) Rules(yield func(*breaker.Rule) bool) {
	entries := m.Entries()
	for i := range entries {
		if !yield(entries[i].Rule) {
			return
		}
	}
}

// Counted is what the breaker counts of the message.
func (m *Message) Counted() breaker.Message {
	return breaker.Message{Origin: m.Event.Origin, Rules: m.Rules, Failures: m.Failures}
}
