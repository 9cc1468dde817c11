package pipeline

import "github.com/ciobridge/ciobridge/event"

// Stats is what a pipeline has done since it was made. The same is counted in its metrics.
type Stats struct {
	// Messages that are finished, by what became of them. One with any failure counts as dead-lettered, whatever
	// became of its other calls; one that no rule wanted is skipped.
	Delivered, DeadLettered, Skipped int
	// Calls that Customer.io took, and that it refused for good.
	CallsDelivered, CallsRefused int
	// Retries are the attempts after which a call stayed open.
	Retries int
	// DeadLetters counts the failures that were stored, by reason. A reason of which there is none is missing.
	DeadLetters map[event.Reason]int
	// Stopped is true while a rule or a topic has stopped.
	Stopped bool
	// DeadLettersDown is true while dead letters cannot be stored.
	DeadLettersDown bool
	// Lanes is the number of identifiers with an open call.
	Lanes int
	// Reserved is the number of bytes reserved for the messages in flight.
	Reserved int64
	// Suspects is the number of messages in flight with calls that fail while they are alone in a request.
	Suspects int
	// Assignments is the number of leases under which something is in flight, or was since they began.
	Assignments int
}

// Finished is how many messages are finished.
func (s Stats) Finished() int { return s.Delivered + s.DeadLettered + s.Skipped }

// Letters is how many failures were stored.
func (s Stats) Letters() int {
	n := 0
	for _, of := range s.DeadLetters {
		n += of
	}
	return n
}

// Stats tells what the pipeline has done up to now, and what it holds.
func (p *Pipeline) Stats() Stats {
	m := p.metrics
	s := Stats{
		Delivered: int(m.delivered.Load()), DeadLettered: int(m.deadLettered.Load()), Skipped: int(m.skipped.Load()),
		CallsDelivered: int(m.callsDelivered.Load()), CallsRefused: int(m.callsRefused.Load()),
		Retries:     int(m.retries.Load()),
		DeadLetters: map[event.Reason]int{}, Stopped: m.stopped.Load(), DeadLettersDown: m.lettersDown.Load(),
		Lanes: p.openLanes(), Reserved: p.reserved(), Assignments: len(p.input.held()),
	}
	p.mu.Lock()
	for d := range p.each {
		s.Suspects += d.bisector.Alone()
	}
	p.mu.Unlock()
	for reason, n := range m.letters {
		if n := int(n.Load()); n > 0 {
			s.DeadLetters[reason] = n
		}
	}
	return s
}
