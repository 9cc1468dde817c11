package pipeline

import (
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// settle applies the outcomes of a request: what is delivered or refused leaves its lanes, what is open goes back.
func (p *Pipeline) settle(b *batch, outcomes []event.Outcome) {
	now := time.Now()
	p.mu.Lock()
	a := b.assignment
	a.sending -= len(b.entries)
	delivered := false
	for i, e := range b.entries {
		var o event.Outcome
		if i < len(outcomes) {
			o = outcomes[i]
		}
		switch o.Result {
		case event.Delivered:
			delivered = true
			p.metrics.call(e.step, o.Result)
			b.done = p.settleCall(e, b.done)
		case event.Refused:
			delivered = true // Customer.io looked at the call, so it is no outage
			p.metrics.call(e.step, o.Result)
			p.refuse(e, o.Failure, now)
		}
	}
	if delivered {
		p.bisector.accepted++
	}
	all := !delivered && p.nothingElseMoves(a)
	for i, e := range b.entries {
		if e.message == nil || e.state != sending {
			continue
		}
		var o event.Outcome
		if i < len(outcomes) {
			o = outcomes[i]
		}
		p.reopen(e, o, len(b.entries), all, now)
	}
	p.metrics.flush()
	a.checkDrained()
	p.mu.Unlock()
	p.wake()
	p.ack(b.done)
}

// ack calls the acks of messages of which nothing is open, without the pipeline's lock: a source has locks of its own. Their
// assignments may not come to rest before that.
func (p *Pipeline) ack(done []*message) {
	for len(done) > 0 {
		done = p.ackEach(done)
	}
}

// ackEach returns the messages that have waited for these to be told.
func (p *Pipeline) ackEach(done []*message) (next []*message) {
	dead := 0
	for _, msg := range done {
		msg.done()
		if len(msg.failures) > 0 {
			dead++
		}
	}
	next = p.acked(done)
	p.metrics.delivered.Add(int64(len(done) - dead))
	p.metrics.deadLettered.Add(int64(dead))
	if p.stages.Recycle != nil {
		p.stages.Recycle(func(yield func([]event.Call) bool) {
			for _, msg := range done {
				if !yield(msg.calls) {
					return
				}
			}
		})
	}
	p.release(done)
	p.mu.Lock()
	for _, msg := range done {
		msg.assignment.acking--
		msg.assignment.checkDrained()
	}
	p.mu.Unlock()
	for _, msg := range done {
		*msg = message{}
		p.pool.Put(msg)
	}
	return next
}

// nothingElseMoves reports whether nothing but what an assignment's request brought back could move.
func (p *Pipeline) nothingElseMoves(a *assignment) bool {
	p.takeArrived()
	return a.queued == 0 && a.sending == 0 && len(p.queue.delayed) == 0 && len(p.input.held()) == 1
}

// settleCall takes a call that is settled out of its lanes. When it was the last of its message, the message joins those that are done, or
// those whose letters wait to be stored; if the flow stops over it, it stays in hand and comes again after the restart.
func (p *Pipeline) settleCall(e *entry, done []*message) []*message {
	msg := e.message
	last := msg.open == 1
	p.leaving(e, last && len(msg.failures) == 0)
	p.leaveLanes(e)
	msg.open--
	if !last {
		return done
	}
	p.stopFlow(msg, p.breaker.delivered(msg))
	return p.finishOrStore(msg, done)
}

// finishOrStore has what failed of a message stored whose calls are all settled, or finishes it.
func (p *Pipeline) finishOrStore(msg *message, done []*message) []*message {
	switch {
	case len(msg.failures) == 0:
		return p.finish(msg, done)
	case p.breaker.stopped == nil:
		p.addLetter(msg)
	}
	return done
}

// leaveLanes takes an entry out of its lanes; whatever stood behind it may become ready.
func (p *Pipeline) leaveLanes(e *entry) {
	p.bisector.forget(e)
	p.lanes.leave(e, func(next *entry) {
		if next.state == waiting {
			p.queue.push(next)
		}
	})
	e.message = nil
}

// refuse adds a refused call to the failures of its message, which become a letter when nothing of it is open. When the flow stops
// instead, the call keeps its place, so that nothing passes it.
func (p *Pipeline) refuse(e *entry, f *event.Failure, now time.Time) {
	failure := event.Failure{Stage: event.StageDelivery, Reason: event.ReasonRefused}
	if f != nil {
		failure = *f
	}
	failure.ID, failure.Rule, failure.Call = e.call.ID, e.step.Rule, e.step.Call
	failure.Attempts, failure.First = 1, now
	if e.history != nil && e.history.attempts > 0 {
		failure.Attempts, failure.First = e.history.attempts+1, e.history.first
	}
	msg := e.message
	msg.failures = append(msg.failures, failure)
	if msg.open == 1 {
		p.stopFlow(msg, p.breaker.delivered(msg))
	}
	if p.breaker.stopped != nil {
		msg.failures = msg.failures[:len(msg.failures)-1]
		msg.assignment.abandon(e)
		return
	}
	p.leaving(e, false)
	p.leaveLanes(e)
	if msg.open--; msg.open == 0 {
		p.finishOrStore(msg, nil)
	}
}

// reopen puts a call back that was not settled. All says that its batch is everything that could move.
func (p *Pipeline) reopen(e *entry, o event.Outcome, together int, all bool, now time.Time) {
	e.state = waiting
	if e.history == nil {
		e.history = &history{}
	}
	if o.Failure == nil && !e.message.assignment.draining && o.NotBefore.IsZero() {
		o.NotBefore = now.Add(idleBackoff)
	}
	if o.Failure != nil {
		e.history.attempts++
		if e.history.first.IsZero() {
			e.history.first = now
		}
		p.metrics.retries.Add(1)
	}
	if o.Suspect {
		if p.bisector.narrow(e, o.Failure, together, all, now) {
			p.giveUp(e, o.Failure, now)
			return
		}
		if together == 1 {
			o.NotBefore = later(o.NotBefore, now.Add(aloneBackoff(e.history.attempts)))
		}
	}
	switch {
	case e.behind > 0:
	case e.message.assignment.draining:
		e.message.assignment.abandon(e)
	case o.NotBefore.After(now):
		p.queue.delay(e, o.NotBefore)
	default:
		p.queue.push(e)
	}
}

// idleBackoff keeps a sender that returns without an attempt from being asked again at once.
const idleBackoff = 100 * time.Millisecond

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
