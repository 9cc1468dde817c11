package pipeline

import (
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/pipeline/batch"
	"github.com/ciobridge/ciobridge/pipeline/inflight"
)

// settle applies the outcomes of a request: what is delivered or refused leaves its lanes, what is open goes back.
func (p *Pipeline) settle(d *destination, b *batch.Batch, outcomes []event.Outcome) {
	now := time.Now()
	p.recordAnswers(b, outcomes, now)
	p.mu.Lock()
	a := b.Assignment
	a.Sending -= len(b.Entries)
	d.sending -= len(b.Entries)
	delivered := false
	for i, e := range b.Entries {
		var o event.Outcome
		if i < len(outcomes) {
			o = outcomes[i]
		}
		switch o.Result {
		case event.Delivered:
			delivered = delivered || !o.Unheard
			p.metrics.call(e.Step, o.Result)
			if e.Message.Open == 1 && len(e.Message.Failures) == 0 {
				p.delays.add(e.Message.Event.Time, now)
			}
			b.Done = p.settleCall(e, b.Done)
		case event.Refused:
			delivered = delivered || !o.Unheard // Customer.io looked at the call, so it is no outage
			p.metrics.call(e.Step, o.Result)
			p.refuse(e, o.Failure, now)
		}
	}
	if delivered {
		d.bisector.Accepted()
	}
	d.down = !delivered
	all := false
	if !delivered {
		p.takeArrived(nil)
		all = d.sending == 0 && d.queues.Idle()
	}
	for i, e := range b.Entries {
		if e.Message == nil || e.State != inflight.Sending {
			continue
		}
		var o event.Outcome
		if i < len(outcomes) {
			o = outcomes[i]
		}
		p.reopen(e, o, len(b.Entries), all, now)
	}
	p.metrics.flush()
	a.CheckDrained()
	p.mu.Unlock()
	p.wake()
	p.ack(b.Done)
}

// settleCall takes a call that is settled out of its lanes. When it was the last of its message, the message joins
// those that are done, or those whose letters wait to be stored; if its rule or topic has stopped, it stays in flight
// and comes again.
func (p *Pipeline) settleCall(e *inflight.Call, done []*inflight.Message) []*inflight.Message {
	msg := e.Message
	last := msg.Open == 1
	p.order.Leave(e, last && len(msg.Failures) == 0)
	p.leaveLanes(e)
	msg.Open--
	if !last {
		return done
	}
	p.stopFlow(msg, p.delivered(msg))
	return p.finishOrStore(msg, done)
}

// finishOrStore has what failed of a message stored whose calls are all settled, or finishes it.
func (p *Pipeline) finishOrStore(msg *inflight.Message, done []*inflight.Message) []*inflight.Message {
	switch {
	case len(msg.Failures) == 0:
		return p.finish(msg, done)
	case p.breaker.Stops().Holds(msg.Event.Origin.Topic, msg.Failures):
		p.memory.Hold(msg.Account)
	default:
		p.addLetter(msg)
	}
	return done
}

// leaveLanes takes an entry out of its lanes; whatever stood behind it may become ready.
func (p *Pipeline) leaveLanes(e *inflight.Call) {
	p.of(e).bisector.Forget(e)
	p.lanes.Leave(&e.Node, func(next *inflight.Call) {
		if next.State == inflight.Waiting {
			p.push(next)
		}
	})
	e.Message = nil
}

// refuse adds a refused call to the failures of its message, which become a letter when nothing of it is open. When
// its rule has stopped, the call keeps its place, so that nothing passes it.
func (p *Pipeline) refuse(e *inflight.Call, f *event.Failure, now time.Time) {
	failure := event.Failure{Stage: event.StageDelivery, Reason: event.ReasonRefused}
	if f != nil {
		failure = *f
	}
	failure.ID, failure.Rule, failure.Call = e.Event.ID, e.Step.Rule, e.Step.Call
	failure.Rules = e.Step.Rules
	failure.Item = int(e.Event.Item)
	failure.Attempts, failure.First = 1, now
	if e.History != nil && e.History.Attempts > 0 {
		failure.Attempts, failure.First = e.History.Attempts+1, e.History.First
	}
	if failure.Reason == event.ReasonErased {
		failure.Attempts-- // it was not sent
	}
	msg := e.Message
	msg.Failures = append(msg.Failures, failure)
	if msg.Open == 1 {
		p.stopFlow(msg, p.delivered(msg))
	}
	if p.breaker.Stops().Rule(e.Step.Rule) {
		msg.Failures = msg.Failures[:len(msg.Failures)-1]
		p.hold(e)
		return
	}
	p.order.Leave(e, false)
	p.leaveLanes(e)
	if msg.Open--; msg.Open == 0 {
		p.finishOrStore(msg, nil)
	}
}

// reopen puts a call back that was not settled. All says that its batch is everything that could
// move to its destination.
func (p *Pipeline) reopen(e *inflight.Call, o event.Outcome, together int, all bool, now time.Time) {
	e.State = inflight.Waiting
	if e.History == nil {
		e.History = &inflight.History{}
	}
	if o.Failure == nil && !e.Message.Assignment.Draining && o.NotBefore.IsZero() {
		o.NotBefore = now.Add(idleBackoff)
	}
	if o.Failure != nil {
		e.History.Attempts++
		if e.History.First.IsZero() {
			e.History.First = now
		}
		p.metrics.retries.Add(1)
	}
	if o.Suspect {
		if p.of(e).bisector.Narrow(e, batch.Failure{Calls: together, AtFault: o.AtFault, All: all}, now) {
			p.giveUp(e, o.Failure, now)
			return
		}
		if together == 1 {
			o.NotBefore = later(o.NotBefore, now.Add(batch.AloneBackoff(e.History.Attempts)))
		}
	}
	switch {
	case e.Waits():
	case e.Message.Assignment.Draining:
		e.Message.Assignment.Abandon(e)
	case o.NotBefore.After(now):
		p.of(e).delay(e, o.NotBefore)
	default:
		p.push(e)
	}
}

// giveUp gives a call up that is poison.
func (p *Pipeline) giveUp(e *inflight.Call, f *event.Failure, now time.Time) {
	failure := event.Failure{Stage: event.StageDelivery}
	if f != nil {
		failure = *f
	}
	failure.Reason = event.ReasonPoison
	e.History.Attempts-- // refuse counts the attempt
	p.refuse(e, &failure, now)
}

// idleBackoff keeps a sender that returns without an attempt from being asked again at once.
const idleBackoff = 100 * time.Millisecond

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
