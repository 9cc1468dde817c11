package pipeline

import (
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/pipeline/inflight"
)

// assignment returns what is held under the lease, from its first message on. The caller holds input.mu.
func (p *Pipeline) assignment(lease event.Lease) *inflight.Assignment {
	in := &p.input
	if in.last != nil && in.last.Lease == lease {
		return in.last
	}
	a := in.assignments[lease]
	if a == nil {
		a = inflight.NewAssignment(lease, len(p.destinations))
		in.assignments[lease] = a
		p.drains.Add(1)
		a.Unregister = lease.AfterFunc(func() {
			defer p.drains.Done()
			p.drain(a)
		})
	}
	in.last = a
	return a
}

// drain lets what moves finish and drops the rest. It returns when nothing under the lease is in a request any more.
func (p *Pipeline) drain(a *inflight.Assignment) {
	p.mu.Lock()
	p.takeArrived(nil) // from the end of the lease on nothing arrives
	a.Draining = true
	for d := range p.each {
		d.queues.AbandonDelayed(a)
	}
	p.draining++
	a.CheckDrained()
	p.mu.Unlock()
	p.wake()
	notify(p.pending.ended)

	if deadline, ok := a.Lease.Deadline(); ok {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		select {
		case <-a.Drained():
		case <-timer.C:
			p.wake()
		}
	}
	<-a.Drained()
	p.dropAssignment(a)
	p.wake() // what stood behind it may be ready
}

// dropAssignment drops everything that is left under an ended lease: nothing of it is in a request, and since it
// rests nothing becomes ready when the one before it goes.
func (p *Pipeline) dropAssignment(a *inflight.Assignment) {
	p.mu.Lock()
	p.draining--
	var dropped, done []*inflight.Message
	for m := range a.Messages() {
		entries := m.Entries()
		for i := range entries {
			if e := &entries[i]; e.Message != nil {
				p.leaveLanes(e)
			}
		}
		done = p.forget(m, done)
		a.Remove(m)
		dropped = append(dropped, m)
	}
	p.input.forget(a)
	p.mu.Unlock()
	p.release(dropped)
	p.ack(done)
}

// endAssignments ends what is left when the source has returned and the senders are gone.
func (p *Pipeline) endAssignments() {
	p.mu.Lock()
	for _, a := range p.input.held() {
		if a.Unregister() {
			p.drains.Done()
		}
		a.Queued, a.Letters = 0, 0
		a.Draining = true
		a.CheckDrained()
	}
	p.mu.Unlock()
	p.drains.Wait()
}
