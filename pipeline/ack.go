package pipeline

import (
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/pipeline/inflight"
)

// finish adds a message of which nothing is open to those of which the source is to be told, unless it has to wait
// for others. The caller holds p.mu.
func (p *Pipeline) finish(msg *inflight.Message, done []*inflight.Message) []*inflight.Message {
	if !p.order.Finish(msg) {
		return done
	}
	return append(done, takeOut(msg))
}

// takeOut takes a message out of its assignment, which is not drained before the source has been told of it. The
// caller holds p.mu.
func takeOut(msg *inflight.Message) *inflight.Message {
	msg.Assignment.Acking++
	msg.Assignment.Remove(msg)
	return msg
}

// ack tells the source of messages that are finished, and then of those that have waited for them. It does so
// without the pipeline's lock, since a source has locks of its own.
func (p *Pipeline) ack(done []*inflight.Message) {
	for len(done) > 0 {
		dead := 0
		for _, msg := range done {
			msg.Done()
			if len(msg.Failures) > 0 {
				dead++
			}
		}
		next := p.acked(done)
		p.metrics.delivered.Add(int64(len(done) - dead))
		p.metrics.deadLettered.Add(int64(dead))
		p.giveBack(done)
		done = next
	}
}

// acked gives the messages that have waited for those of which the source has been told.
func (p *Pipeline) acked(done []*inflight.Message) (next []*inflight.Message) {
	if !inflight.AnyAwaited(done) {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, msg := range done {
		next = p.forget(msg, next)
	}
	return next
}

// forget ends the waiting for a message, and appends those that have waited for it alone. The caller holds p.mu.
func (p *Pipeline) forget(msg *inflight.Message, next []*inflight.Message) []*inflight.Message {
	from := len(next)
	next = p.order.Forget(msg, next)
	for _, waited := range next[from:] {
		takeOut(waited)
	}
	return next
}

// giveBack gives back the calls, the memory and at last the messages themselves.
func (p *Pipeline) giveBack(done []*inflight.Message) {
	if p.stages.Recycle != nil {
		p.stages.Recycle(func(yield func([]event.Call) bool) {
			for _, msg := range done {
				if !yield(msg.Calls) {
					return
				}
			}
		})
	}
	p.release(done)
	p.mu.Lock()
	for _, msg := range done {
		msg.Assignment.Acking--
		msg.Assignment.CheckDrained()
	}
	p.mu.Unlock()
	p.pool.Put(done)
}

// release releases the memory of messages. What stands together is mostly of one partition.
func (p *Pipeline) release(messages []*inflight.Message) {
	for len(messages) > 0 {
		account, bytes, n := messages[0].Account, int64(0), 0
		for n < len(messages) && messages[n].Account == account {
			bytes += messages[n].Bytes
			n++
		}
		p.memory.Release(account, bytes)
		messages = messages[n:]
	}
}
