package pipeline

import "time"

// send is one sender: it takes a batch, has it sent, and settles it.
func (p *Pipeline) send() {
	b := &batch{}
	for p.collect(b) {
		outcomes := p.stages.Sender.Send(b.assignment.lease, b.calls)
		p.settle(b, outcomes)
		b.reset()
	}
}

// collect waits for a batch. One sender waits at a time, so that requests are as full as the traffic allows. It returns false
// when the pipeline stops.
func (p *Pipeline) collect(b *batch) bool {
	select {
	case p.collecting <- struct{}{}:
	case <-p.consumed:
		return false
	}
	defer func() { <-p.collecting }()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		wait := p.nextBatch(b)
		if len(b.entries) > 0 {
			return true
		}
		timer.Reset(wait)
		select {
		case <-p.wakeup:
		case <-timer.C:
		case <-p.consumed:
			return false
		}
	}
}

// nextBatch takes a batch if one is due, and returns how long to wait for the next otherwise.
func (p *Pipeline) nextBatch(b *batch) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.watchInput()
	for {
		p.takeArrived()
		now := time.Now()
		from, wait := p.queue.due(now, p.draining > 0 || p.memory.Full())
		switch {
		case from != nil:
			if p.queue.fillBatch(b, from, now); len(b.entries) > 0 {
				return 0
			}
		case wait < 0:
			return time.Hour
		default:
			return wait
		}
	}
}

// wake makes the waiting sender look again.
func (p *Pipeline) wake() { notify(p.wakeup) }

// notify puts a token into a channel that holds one, unless there is one already.
func notify(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}
