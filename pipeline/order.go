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
// it is done. Only a lane that an untold message has left must remember it.

// A chain is a list of messages.
type chain struct {
	parcel *parcel
	next   *chain
}

// before reports whether a message entered its lanes before another that is in hand, too.
func (pc *parcel) before(o *parcel) bool { return int32(pc.seq-o.seq) < 0 }

// precede makes the later of two messages wait until the source has been told of the earlier.
func precede(earlier, later *parcel) {
	later.awaits++
	earlier.followers = &chain{later, earlier.followers}
}

// pass notes that a call has been settled and leaves its lanes. Last says that the message is done with it.
func (p *Pipeline) pass(e *entry, last bool) {
	pc := e.parcel
	if last && pc.awaits == 0 && (e.lanes == 0 || e.lanes == 1 && e.link.lane.untold == nil) {
		return
	}
	for i := range e.lanes {
		if k := e.place(i); k.lane.untold != nil && pc.leaves(k) {
			pc.follow(k.lane)
		}
	}
	if last && pc.awaits == 0 {
		return
	}
	for i := range e.lanes {
		if k := e.place(i); pc.leaves(k) {
			pc.stay(k.lane)
		}
	}
}

// leaves reports whether an entry is the last of its message in a lane. What a message has in a lane stands together.
func (pc *parcel) leaves(k *link) bool {
	return len(pc.entries) == 1 ||
		(k.prev == nil || k.prev.entry.parcel != pc) && (k.next == nil || k.next.entry.parcel != pc)
}

// follow makes a message wait for the one of its partition that left the lane before it and is untold.
func (pc *parcel) follow(l *lane) {
	for c := l.untold; c != nil; c = c.next {
		if o := c.parcel; o.share == pc.share && o.before(pc) {
			precede(o, pc)
		}
	}
}

// stay makes a lane remember a message until the source has been told of it. The latest of a partition stands for those before it, which
// it waits for. One that was retried may leave behind a later one, which then waits for it.
func (pc *parcel) stay(l *lane) {
	pc.remembered = true
	for c := l.untold; c != nil; c = c.next {
		if o := c.parcel; o.share == pc.share {
			switch {
			case o.before(pc), o.prev == nil: // of one that is out of hand the source is being told: it can wait no more
				c.parcel = pc
			case pc.before(o):
				precede(pc, o)
			}
			return
		}
	}
	l.untold = &chain{pc, l.untold}
}

// finish adds a message of which nothing is open to those of which the source is to be told, unless it has to wait. The caller holds p.mu.
func (p *Pipeline) finish(pc *parcel, done []*parcel) []*parcel {
	pc.finished = true
	if pc.awaits > 0 {
		return done
	}
	return pc.leave(done)
}

// leave takes a message out of hand.
func (pc *parcel) leave(done []*parcel) []*parcel {
	pc.tenancy.telling++
	pc.tenancy.remove(pc)
	return append(done, pc)
}

// told ends the waiting for messages of which the source has been told, and gives those that have waited for them alone.
func (p *Pipeline) told(done []*parcel) (next []*parcel) {
	if !slices.ContainsFunc(done, func(pc *parcel) bool { return pc.remembered }) {
		return nil // and so nobody waits
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pc := range done {
		next = p.forgo(pc, next)
	}
	return next
}

// forgo ends the waiting for a message, and adds those that have waited for it alone to the done ones. Under a lease at rest the source
// is told of nothing more.
func (p *Pipeline) forgo(pc *parcel, done []*parcel) []*parcel {
	if pc.remembered {
		for i := range pc.calls {
			for _, key := range pc.calls[i].Lanes {
				p.lanes.forget(key, pc)
			}
		}
	}
	for c := pc.followers; c != nil; c = c.next {
		f := c.parcel
		f.awaits--
		if f.awaits == 0 && f.finished && !f.tenancy.resting {
			done = f.leave(done)
		}
	}
	pc.followers = nil
	return done
}

// forget takes a message out of what a lane remembers.
func (ls *lanes) forget(key event.Lane, pc *parcel) {
	l := ls.find(key)
	if l == nil {
		return
	}
	for at := &l.untold; *at != nil; at = &(*at).next {
		if (*at).parcel == pc {
			*at = (*at).next
			break
		}
	}
	if l.head == nil && l.untold == nil {
		ls.close(l)
	}
}
