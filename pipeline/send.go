package pipeline

import (
	"time"

	"github.com/ciobridge/ciobridge/pipeline/batch"
)

// send is one sender of a destination: it takes a batch, has it sent, and settles it.
func (p *Pipeline) send(d *destination) {
	b := &batch.Batch{}
	for p.collect(d, b) {
		outcomes := p.stages.Sender.Send(b.Assignment.Lease, b.Calls)
		p.settle(d, b, outcomes)
		b.Reset()
	}
}

// collect waits for a batch. One sender of a destination waits at a time, so that requests are as full as the traffic
// allows. It returns false when the pipeline stops.
func (p *Pipeline) collect(d *destination, b *batch.Batch) bool {
	select {
	case d.collecting <- struct{}{}:
	case <-p.consumed:
		return false
	}
	defer func() { <-d.collecting }()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		wait := p.nextBatch(d, b)
		if len(b.Entries) > 0 {
			return true
		}
		timer.Reset(wait)
		select {
		case <-d.wakeup:
		case <-timer.C:
		case <-p.consumed:
			return false
		}
	}
}

// nextBatch takes a batch if one is due, and returns how long to wait for the next otherwise.
func (p *Pipeline) nextBatch(d *destination, b *batch.Batch) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.watchInput()
	defer func() { d.holds.Store(!d.queues.Idle()) }()
	for {
		p.takeArrived(d)
		now := time.Now()
		from, wait := d.queues.Due(now, p.draining > 0 || p.memory.Full())
		switch {
		case from != nil:
			if d.queues.Fill(b, from, now); len(b.Entries) > 0 {
				d.waits, d.sending = false, d.sending+len(b.Entries)
				return 0
			}
		case wait < 0:
			d.waits = true
			return time.Hour
		default:
			d.waits = true
			return wait
		}
	}
}
