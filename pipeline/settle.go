package pipeline

import (
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// settle applies the outcomes of a request: what is delivered or refused leaves its lanes, what is open goes back.
func (p *Pipeline) settle(b *batch, outcomes []event.Outcome) {
	now := time.Now()
	p.mu.Lock()
	t := b.tenancy
	t.flying -= len(b.entries)
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
			b.done = p.close(e, b.done)
		case event.Refused:
			delivered = true // Customer.io looked at the call, so it is no outage
			p.metrics.call(e.step, o.Result)
			p.refuse(e, o.Failure, now)
		}
	}
	if delivered {
		p.suspicions.accepted++
	}
	all := !delivered && p.alone(t)
	for i, e := range b.entries {
		if e.parcel == nil || e.state != flying {
			continue
		}
		var o event.Outcome
		if i < len(outcomes) {
			o = outcomes[i]
		}
		p.reopen(e, o, len(b.entries), all, now)
	}
	p.metrics.flush()
	t.settle()
	p.mu.Unlock()
	p.wake()
	p.tell(b.done)
}

// tell calls the dones of messages of which nothing is open, without the pipeline's lock: a source has locks of its own. Their
// tenancies may not come to rest before that.
func (p *Pipeline) tell(done []*parcel) {
	for len(done) > 0 {
		done = p.tellThese(done)
	}
}

// tellThese returns the messages that have waited for these to be told.
func (p *Pipeline) tellThese(done []*parcel) (next []*parcel) {
	dead := 0
	for _, pc := range done {
		pc.done()
		if len(pc.failures) > 0 {
			dead++
		}
	}
	next = p.told(done)
	p.metrics.delivered.Add(float64(len(done) - dead))
	p.metrics.deadLettered.Add(float64(dead))
	if p.recycle != nil {
		p.recycle(func(yield func([]event.Call) bool) {
			for _, pc := range done {
				if !yield(pc.calls) {
					return
				}
			}
		})
	}
	p.intake.give(done)
	p.mu.Lock()
	for _, pc := range done {
		pc.tenancy.telling--
		pc.tenancy.settle()
	}
	p.mu.Unlock()
	p.parcels.keep(done)
	return next
}

// alone reports whether nothing but what a tenancy's request brought back could move.
func (p *Pipeline) alone(t *tenancy) bool {
	p.admit()
	return t.ready == 0 && t.flying == 0 && len(p.queue.held) == 0 && len(p.intake.held()) == 1
}

// close takes a call that is settled out of its lanes. When it was the last of its message, the message joins those that are done, or
// those whose letters wait to be stored; if the flow stops over it, it stays in hand and comes again after the restart.
func (p *Pipeline) close(e *entry, done []*parcel) []*parcel {
	pc := e.parcel
	last := pc.open == 1
	p.pass(e, last && len(pc.failures) == 0)
	p.retire(e)
	pc.open--
	if !last {
		return done
	}
	p.halt(pc, p.guard.delivered(pc))
	return p.settled(pc, done)
}

// settled has what failed of a message stored whose calls are all settled, or finishes it.
func (p *Pipeline) settled(pc *parcel, done []*parcel) []*parcel {
	switch {
	case len(pc.failures) == 0:
		return p.finish(pc, done)
	case p.guard.stopped == nil:
		p.post(pc)
	}
	return done
}

// retire takes an entry out of its lanes; whatever stood behind it may become ready.
func (p *Pipeline) retire(e *entry) {
	p.suspicions.clear(e)
	p.lanes.leave(e, func(next *entry) {
		if next.state == waiting {
			p.queue.push(next)
		}
	})
	e.parcel = nil
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
	if e.past != nil && e.past.attempts > 0 {
		failure.Attempts, failure.First = e.past.attempts+1, e.past.first
	}
	pc := e.parcel
	pc.failures = append(pc.failures, failure)
	if pc.open == 1 {
		p.halt(pc, p.guard.delivered(pc))
	}
	if p.guard.stopped != nil {
		pc.failures = pc.failures[:len(pc.failures)-1]
		pc.tenancy.release(e)
		return
	}
	p.pass(e, false)
	p.retire(e)
	if pc.open--; pc.open == 0 {
		p.settled(pc, nil)
	}
}

// reopen puts a call back that was not settled. All says that its batch is everything that could move.
func (p *Pipeline) reopen(e *entry, o event.Outcome, together int, all bool, now time.Time) {
	e.state = waiting
	if e.past == nil {
		e.past = &past{}
	}
	if o.Failure == nil && !e.parcel.tenancy.draining && o.NotBefore.IsZero() {
		o.NotBefore = now.Add(idlePause)
	}
	if o.Failure != nil {
		e.past.attempts++
		if e.past.first.IsZero() {
			e.past.first = now
		}
		p.metrics.retries.Inc()
	}
	if o.Suspect {
		if p.suspicions.judge(e, o.Failure, together, all, now) {
			p.poison(e, o.Failure, now)
			return
		}
		if together == 1 {
			o.NotBefore = later(o.NotBefore, now.Add(lonePause(e.past.attempts)))
		}
	}
	switch {
	case e.behind > 0:
	case e.parcel.tenancy.draining:
		e.parcel.tenancy.release(e)
	case o.NotBefore.After(now):
		p.queue.hold(e, o.NotBefore)
	default:
		p.queue.push(e)
	}
}

// idlePause keeps a sender that returns without an attempt from being asked again at once.
const idlePause = 100 * time.Millisecond

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
