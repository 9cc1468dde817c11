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
		switch o.Verdict {
		case event.Delivered:
			delivered = true
			p.metrics.call(e.step, o.Verdict)
			e.records.delivered()
			pc := e.parcel
			p.retire(e)
			b.done = p.close(pc, b.done)
		case event.Refused:
			delivered = true // Customer.io looked at the call, so it is no outage
			p.metrics.call(e.step, o.Verdict)
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
	if len(done) == 0 {
		return
	}
	dead := 0
	for _, pc := range done {
		pc.done()
		if pc.dead {
			dead++
		}
	}
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
}

// alone reports whether nothing but what a tenancy's request brought back could move.
func (p *Pipeline) alone(t *tenancy) bool {
	p.admit()
	return t.ready == 0 && t.flying == 0 && len(p.queue.held) == 0 && len(p.intake.held()) == 1
}

// close counts one call or letter of the message as settled. When that was the last of it, the message joins those that are done.
func (p *Pipeline) close(pc *parcel, done []*parcel) []*parcel {
	pc.open--
	if pc.open > 0 {
		return done
	}
	pc.tenancy.telling++
	pc.tenancy.remove(pc)
	return append(done, pc)
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

// refuse turns a refused call into a letter. When the flow stops instead, the call keeps its place, so that nothing passes it.
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
	if !p.write(e.parcel, failure) {
		e.parcel.tenancy.release(e)
		return
	}
	p.retire(e)
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
