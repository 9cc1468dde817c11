package pipeline

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// When Customer.io fails on a whole request, one of its calls may be the cause, or Customer.io may be down. A call is poison
// only when it has failed often and long enough while it stood alone, and others were accepted all the while: what it failed
// with before, in company or in an outage, says nothing. Calls of many events that fail alone at
// once are an outage of a part of Customer.io.
// Everything that is not poison is waited for.
const (
	poisonAttempts = 10
	poisonAge      = 15 * time.Minute
	poisonPerHour  = 10 // events
)

// A bisector judges calls whose requests fail as a whole.
type bisector struct {
	accepted uint64           // requests in which a call was settled
	alone    map[*message]int // by message, its calls that fail while alone in their request
	poisoned []time.Time      // when the messages of the last hour were found to have poison
}

// narrow narrows the batch in which a suspect may travel, and reports whether the call is poison. Halving waits until somebody
// else's request was accepted since the call last failed: while nothing at all is accepted, a failure says nothing about
// the call. A refusal says something at once, and where the batch is all there is, nobody else can.
func (s *bisector) narrow(e *entry, f *event.Failure, together int, all bool, now time.Time) bool {
	refused := f != nil && f.Status >= 400 && f.Status < 500
	progress := e.history.attempts > 1 && s.accepted > e.history.accepted
	if e.limit == 0 || int(e.limit) > together {
		e.limit = int32(together)
	}
	if refused || progress || all {
		e.limit = int32(max(1, together/2))
	}
	e.history.accepted = s.accepted
	if together > 1 {
		return false
	}
	if e.history.alone.IsZero() {
		e.history.alone = now
		if s.alone == nil {
			s.alone = map[*message]int{}
		}
		s.alone[e.message]++
	}
	if !progress {
		return false
	}
	e.history.aloneFailures++
	return e.history.aloneFailures >= poisonAttempts && now.Sub(e.history.alone) >= poisonAge && len(s.alone) <= poisonPerHour && s.allow(e.message, now)
}

// allow reports whether a call of a message may be given up as poison, and counts the message.
func (s *bisector) allow(msg *message, now time.Time) bool {
	if slices.ContainsFunc(msg.failures, func(f event.Failure) bool { return f.Reason == event.ReasonPoison }) {
		return true
	}
	for len(s.poisoned) > 0 && now.Sub(s.poisoned[0]) >= time.Hour {
		s.poisoned = s.poisoned[1:]
	}
	if len(s.poisoned) >= poisonPerHour {
		return false
	}
	s.poisoned = append(s.poisoned, now)
	return true
}

// forget forgets what was held against an entry.
func (s *bisector) forget(e *entry) {
	if e.history != nil && !e.history.alone.IsZero() {
		e.history.alone = time.Time{}
		if s.alone[e.message]--; s.alone[e.message] == 0 {
			delete(s.alone, e.message)
		}
	}
}

// giveUp gives a call up.
func (p *Pipeline) giveUp(e *entry, f *event.Failure, now time.Time) {
	failure := event.Failure{Stage: event.StageDelivery}
	if f != nil {
		failure = *f
	}
	failure.Reason = event.ReasonPoison
	e.history.attempts-- // refuse counts the attempt
	p.refuse(e, &failure, now)
}

// aloneBackoff is how long a call that failed alone waits before its next attempt: 1 s, doubled up to a minute, less up to a half by
// chance so that many do not return together.
func aloneBackoff(attempts int) time.Duration {
	pause := time.Minute
	if attempts < 7 {
		pause = time.Second << max(0, attempts-1)
	}
	return pause - rand.N(pause/2)
}
