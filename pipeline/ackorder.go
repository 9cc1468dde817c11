package pipeline

import (
	"slices"

	"github.com/ciobridge/ciobridge/event"
)

// A message of which the source has been told is skipped when its partition is read again after a crash, while those before it that
// are not done come again. A person would then see the earlier call after the later one. So the source is told of a message only after
// it has been told of every message of the same partition that came before it and shares a lane with it.
//
// A message with one call, or with all its calls in the same lanes, makes nobody wait: what shares a lane with it stands behind it until
// it is done. Only a lane that an unacked message has left must remember it.

// A chain is a list of messages.
type chain struct {
	message *message
	next    *chain
}

// before reports whether a message entered its lanes before another that is in hand, too.
func (msg *message) before(o *message) bool { return int32(msg.seq-o.seq) < 0 }

// precede makes the later of two messages wait until the source has been told of the earlier.
func precede(earlier, later *message) {
	later.awaits++
	earlier.followers = &chain{later, earlier.followers}
}

// leaving notes that a call has been settled and leaves its lanes. Last says that the message is done with it.
func (p *Pipeline) leaving(e *entry, last bool) {
	msg := e.message
	if last && msg.awaits == 0 && (e.lanes == 0 || e.lanes == 1 && e.link.lane.unacked == nil) {
		return
	}
	for i := range e.lanes {
		if k := e.place(i); k.lane.unacked != nil && msg.leaves(k) {
			msg.follow(k.lane)
		}
	}
	if last && msg.awaits == 0 {
		return
	}
	for i := range e.lanes {
		if k := e.place(i); msg.leaves(k) {
			msg.stay(k.lane)
		}
	}
}

// leaves reports whether an entry is the last of its message in a lane. What a message has in a lane stands together.
func (msg *message) leaves(k *link) bool {
	return len(msg.entries) == 1 ||
		(k.prev == nil || k.prev.entry.message != msg) && (k.next == nil || k.next.entry.message != msg)
}

// follow makes a message wait for the one of its partition that left the lane before it and is unacked.
func (msg *message) follow(l *lane) {
	for c := l.unacked; c != nil; c = c.next {
		if o := c.message; o.account == msg.account && o.before(msg) {
			precede(o, msg)
		}
	}
}

// stay makes a lane remember a message until the source has been told of it. The latest of a partition stands for those before it, which
// it waits for. One that was retried may leave behind a later one, which then waits for it.
func (msg *message) stay(l *lane) {
	msg.remembered = true
	for c := l.unacked; c != nil; c = c.next {
		if o := c.message; o.account == msg.account {
			switch {
			case o.before(msg), o.prev == nil: // of one that is out of hand the source is being told: it can wait no more
				c.message = msg
			case msg.before(o):
				precede(msg, o)
			}
			return
		}
	}
	l.unacked = &chain{msg, l.unacked}
}

// finish adds a message of which nothing is open to those of which the source is to be told, unless it has to wait. The caller holds p.mu.
func (p *Pipeline) finish(msg *message, done []*message) []*message {
	msg.finished = true
	if msg.awaits > 0 {
		return done
	}
	return msg.startAck(done)
}

// startAck takes a message out of hand.
func (msg *message) startAck(done []*message) []*message {
	msg.assignment.acking++
	msg.assignment.remove(msg)
	return append(done, msg)
}

// acked ends the waiting for messages of which the source has been told, and gives those that have waited for them alone.
func (p *Pipeline) acked(done []*message) (next []*message) {
	if !slices.ContainsFunc(done, func(msg *message) bool { return msg.remembered }) {
		return nil // and so nobody waits
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, msg := range done {
		next = p.stopAwaiting(msg, next)
	}
	return next
}

// stopAwaiting ends the waiting for a message, and adds those that have waited for it alone to the done ones. Under a lease at rest the source
// is told of nothing more.
func (p *Pipeline) stopAwaiting(msg *message, done []*message) []*message {
	if msg.remembered {
		for i := range msg.calls {
			for _, key := range msg.calls[i].Lanes {
				p.lanes.forget(key, msg)
			}
		}
	}
	for c := msg.followers; c != nil; c = c.next {
		f := c.message
		f.awaits--
		if f.awaits == 0 && f.finished && !f.assignment.isDrained {
			done = f.startAck(done)
		}
	}
	msg.followers = nil
	return done
}

// forget takes a message out of what a lane remembers.
func (ls *lanes) forget(key event.Lane, msg *message) {
	l := ls.find(key)
	if l == nil {
		return
	}
	for at := &l.unacked; *at != nil; at = &(*at).next {
		if (*at).message == msg {
			*at = (*at).next
			break
		}
	}
	if l.head == nil && l.unacked == nil {
		ls.close(l)
	}
}
