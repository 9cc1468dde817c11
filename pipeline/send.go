package pipeline

import (
	"time"

	"github.com/ciobridge/ciobridge/pipeline/batch"
)

// send is one sender: it takes a batch, has it sent, and settles it.
func (p *Pipeline) send() {
	b := &batch.Batch{}
	for p.collect(b) {
		outcomes := p.stages.Sender.Send(b.Assignment.Lease, b.Calls)
		p.settle(b, outcomes)
		b.Reset()
	}
}

// collect waits for a batch. One sender waits at a time, so that requests are as full as the traffic allows. It
// returns false when the pipeline stops.
func (p *Pipeline) collect(b *batch.Batch) bool {
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
		if len(b.Entries) > 0 {
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
func (p *Pipeline) nextBatch(b *batch.Batch) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.watchInput()
	for {
		p.takeArrived()
		now := time.Now()
		from, wait := p.queues.Due(now, p.draining > 0 || p.memory.Full())
		switch {
		case from != nil:
			if p.queues.Fill(b, from, now); len(b.Entries) > 0 {
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
