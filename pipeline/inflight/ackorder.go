package inflight

import (
	"slices"

	"github.com/ciobridge/ciobridge/event"
)

// AckOrder says of which messages the source may be told.
//
// A message of which the source has been told is skipped when its partition is read again after a crash, while
// those before it that are not done come again. A person would then see the earlier call after the later one. So
// the source is told of a message only after it has been told of every message of the same partition that came
// before it and shares a lane with it.
//
// A message with one call, or with all its calls in the same lanes, makes nobody wait: what shares a lane with it
// stands behind it until it is done. Only a message that has left one lane while it is open in another has to be
// remembered, by the lane.
type AckOrder struct {
	entered uint32 // messages
	// remembered has, by lane and partition, the latest message that has left and of which the source is not told.
	remembered map[event.Lane]*chain
}

// order is what a message knows of it.
type order struct {
	seq        uint32 // counts the messages in the order in which they entered their lanes
	awaits     int32  // messages of which the source is to be told before
	finished   bool   // nothing of it is open, and its letter is stored
	remembered bool   // by a lane that it has left
	followers  *chain // messages that await this one, each as often as it does
}

// A chain is a list of messages.
type chain struct {
	message *Message
	next    *chain
}

// NewAckOrder makes an order of no messages.
func NewAckOrder() *AckOrder { return &AckOrder{remembered: map[event.Lane]*chain{}} }

// Remembered are the lanes that remember a message.
func (o *AckOrder) Remembered() []event.Lane {
	keys := make([]event.Lane, 0, len(o.remembered))
	for key := range o.remembered {
		keys = append(keys, key)
	}
	return keys
}

// Enter notes that a message enters its lanes.
func (o *AckOrder) Enter(m *Message) {
	o.entered++
	m.seq = o.entered
}

// Leave notes that a call has been settled and is about to leave its lanes. Last says that its message is done with
// it.
func (o *AckOrder) Leave(c *Call, last bool) {
	m := c.Message
	if last && m.awaits == 0 && len(o.remembered) == 0 {
		return
	}
	for i := range c.Lanes() {
		if m.leaves(c, i) {
			o.follow(m, c.Lane(i))
		}
	}
	if last && m.awaits == 0 {
		return
	}
	for i := range c.Lanes() {
		if m.leaves(c, i) {
			o.remember(m, c.Lane(i))
		}
	}
}

// Finish notes that nothing of a message is open. It reports whether the source may be told of it now; if not,
// Forget gives it back when it may.
func (o *AckOrder) Finish(m *Message) bool {
	m.finished = true
	return m.awaits == 0
}

// AnyAwaited reports whether somebody may wait for one of the messages.
func AnyAwaited(done []*Message) bool {
	return slices.ContainsFunc(done, func(m *Message) bool { return m.remembered })
}

// Forget ends the waiting for a message, and appends those that have waited for it alone. Of messages of a drained
// assignment the source is told nothing more.
func (o *AckOrder) Forget(m *Message, next []*Message) []*Message {
	if m.remembered {
		for i := range m.Calls {
			for _, key := range m.Calls[i].Lanes {
				o.drop(key, m)
			}
		}
	}
	for c := m.followers; c != nil; c = c.next {
		f := c.message
		f.awaits--
		if f.awaits == 0 && f.finished && !f.Assignment.IsDrained() {
			next = append(next, f)
		}
	}
	m.followers = nil
	return next
}

// before reports whether a message entered its lanes before another that is in flight, too.
func (m *Message) before(o *Message) bool { return int32(m.seq-o.seq) < 0 }

// leaves reports whether a call is the last of its message in a lane. What a message has in a lane stands together.
func (m *Message) leaves(c *Call, i int) bool {
	if len(m.Calls) == 1 {
		return true
	}
	before, behind := c.Neighbours(i)
	return (before == nil || before.Message != m) && (behind == nil || behind.Message != m)
}

// precede makes the later of two messages wait until the source has been told of the earlier.
func precede(earlier, later *Message) {
	later.awaits++
	earlier.followers = &chain{later, earlier.followers}
}

// follow makes a message wait for the one of its partition that left the lane before it and of which the source is
// not told.
func (o *AckOrder) follow(m *Message, key event.Lane) {
	for c := o.remembered[key]; c != nil; c = c.next {
		if other := c.message; samePartition(m, other) && other.before(m) {
			precede(other, m)
		}
	}
}

// remember makes a lane remember a message until the source has been told of it. The latest of a partition stands
// for those before it, which it waits for. One that was retried may leave behind a later one, which then waits for
// it.
func (o *AckOrder) remember(m *Message, key event.Lane) {
	m.remembered = true
	for c := o.remembered[key]; c != nil; c = c.next {
		if other := c.message; samePartition(m, other) {
			switch {
			case other.before(m), other.prev == nil: // of one that is taken out the source is being told already
				c.message = m
			case m.before(other):
				precede(m, other)
			}
			return
		}
	}
	o.remembered[key] = &chain{m, o.remembered[key]}
}

// drop takes a message out of what a lane remembers.
func (o *AckOrder) drop(key event.Lane, m *Message) {
	head := o.remembered[key]
	for at := &head; *at != nil; at = &(*at).next {
		if (*at).message == m {
			*at = (*at).next
			break
		}
	}
	if head == nil {
		delete(o.remembered, key)
	} else {
		o.remembered[key] = head
	}
}

// samePartition reports whether two messages in flight are of one partition, which has one account.
func samePartition(a, b *Message) bool { return a.Account == b.Account }
