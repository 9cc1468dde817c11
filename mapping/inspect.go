package mapping

import (
	"fmt"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// Event is what a message tells of its event by the envelope of its topic, before any rule.
type Event struct {
	Type string
	// Time is in whole milliseconds. Where the envelope names none it is that of the record, and zero if there is none.
	Time time.Time
	ID   string // as the envelope names it; empty where the event is known by its place in the broker
}

// EnvelopeError says why a message cannot be read as its envelope wants. It quotes nothing of the message.
type EnvelopeError struct {
	Reason event.Reason
	Field  string // of the envelope; empty where the message cannot be read at all
	Detail string
}

// Error tells the reason and the detail.
func (e *EnvelopeError) Error() string { return fmt.Sprintf("%s: %s", e.Reason, e.Detail) }

// Inspect reads a message's envelope and no more. The error is an *EnvelopeError; a record that holds no event has one
// as well.
func (r *Rules) Inspect(m event.Message) (Event, error) {
	s := r.get(&m, r.replay)
	defer r.put(s)
	r.chooseTopic(s)
	_, p := s.open(r.set)
	if p == nil {
		p = s.timeProblem
	}
	if p != nil {
		return Event{}, &EnvelopeError{Reason: p.reason, Field: p.field, Detail: p.detail}
	}
	e := Event{Type: string(s.typ)}
	if s.eventTime.known {
		e.Time = time.UnixMilli(s.eventTime.ms)
	}
	id, p := s.idFrom(s.envelope.id)
	if p != nil {
		return Event{}, &EnvelopeError{Reason: p.reason, Field: p.field, Detail: p.detail}
	}
	e.ID = string(id)
	return e, nil
}

// MatchesType reports whether a type of event fits a pattern as rules write it, in which * stands for any run of
// characters.
func MatchesType(pattern, eventType string) bool { return matches(pattern, eventType) }
