package pipeline

import (
	"sync/atomic"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/pipeline/batch"
	"github.com/ciobridge/ciobridge/pipeline/inflight"
)

// Destination sets how the requests to one destination are filled, and how many of them are made at once.
type Destination struct {
	// Senders is the number of requests that may be on the wire at once. Zero means that nothing goes there.
	Senders int
	// Calls is how many calls a request carries at most, and Bytes what they may have together. Where each call is a
	// request, Calls is 1 and Bytes 0.
	Calls, Bytes int
	// Batch is true where calls go that have no request of their own. Others are met at once, whatever lingers.
	Batch bool
}

// destination is what is ready for one destination, and the senders that take it. The pipeline's lock guards all that
// changes but the channels and holds.
type destination struct {
	Destination

	collecting chan struct{} // full while a sender collects
	wakeup     chan struct{} // full when what the collecting sender waits for may have come

	queues   *batch.Queues
	bisector batch.Bisector
	down     bool // its last request settled nothing
	waits    bool // a sender waits for what its queues are missing, or for the end of their linger
	sending  int  // calls in a request

	holds atomic.Bool // something is in its queues; it may be true although nothing is
}

// destinations makes those of a list. One without senders is nil.
func destinations(list []Destination, c Config, began time.Time) []*destination {
	if len(list) == 0 {
		list = []Destination{c.Batch()}
	}
	made := make([]*destination, len(list))
	for i, d := range list {
		if d.Senders == 0 {
			continue
		}
		made[i] = &destination{
			Destination: d, collecting: make(chan struct{}, 1), wakeup: make(chan struct{}, 1),
			queues: batch.NewQueues(event.Destination(i), inflight.Load{Calls: d.Calls, Bytes: d.Bytes}, c.Linger,
				began),
		}
	}
	return made
}

// each goes through the destinations that have senders.
func (p *Pipeline) each(yield func(*destination) bool) {
	for _, d := range p.destinations {
		if d != nil && !yield(d) {
			return
		}
	}
}

// of is the destination of a call.
func (p *Pipeline) of(c *inflight.Call) *destination { return p.destinations[c.Destination] }

// push puts a call into the queues of its destination, unless its rule has stopped: then it is held, and what stands
// behind it in its lanes waits.
func (p *Pipeline) push(c *inflight.Call) *destination {
	d := p.of(c)
	if p.breaker.Stops().Rule(c.Step.Rule) {
		p.hold(c)
		return d
	}
	d.queues.Push(c)
	d.hold()
	return d
}

// delay keeps a call back until then.
func (d *destination) delay(c *inflight.Call, until time.Time) {
	d.queues.Delay(c, until)
	d.hold()
}

// hold notes that something is in the queues. It mostly is already, and to look costs less than to write.
func (d *destination) hold() {
	if !d.holds.Load() {
		d.holds.Store(true)
	}
}

// wake makes the waiting senders look again for which something may be due.
func (p *Pipeline) wake() {
	for d := range p.each {
		if d.holds.Load() {
			notify(d.wakeup)
		}
	}
}

// waiting is the destination whose collecting sender takes up what arrives: one of batches, if any waits.
func (p *Pipeline) waiting() (found *destination) {
	for d := range p.each {
		if d.waits && (found == nil || d.Batch && !found.Batch) {
			found = d
		}
	}
	return found
}

// notify puts a token into a channel that holds one, unless there is one already.
func notify(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

// missing is what has to arrive before a batch for one of the destinations may be full. Where nothing is ready for any,
// whatever arrives is of interest. Where something is, its linger ends soon, and what has arrived for the others is
// found then. One whose senders are all busy does not count: nobody waits for the end of its linger, and what has
// arrived for the others would not be found.
func (p *Pipeline) missing() inflight.Load {
	missing, lingers, waits := batch.Never, false, false
	for d := range p.each {
		if !d.Batch || !d.waits {
			continue
		}
		waits = true
		if !d.queues.Empty() {
			m := d.queues.Missing()
			missing.Calls, missing.Bytes = min(m.Calls, missing.Calls), min(m.Bytes, missing.Bytes)
			lingers = true
		}
	}
	if waits && !lingers {
		return inflight.Load{Calls: 1, Bytes: batch.Never.Bytes}
	}
	return missing
}

// room is what may arrive before enough is ready for the senders of a destination. Half says that less than half of
// enough is ready for each. One that is down does not count: it would hold the others. Nor does one whose calls do not
// wait for company.
func (p *Pipeline) room() (room inflight.Load, half bool) {
	room, half = batch.Never, true
	for d := range p.each {
		if d.down || d.Bytes == 0 {
			continue
		}
		r, h := d.queues.Room()
		room.Calls, room.Bytes, half = min(room.Calls, r.Calls), min(room.Bytes, r.Bytes), half && h
	}
	return room, half
}
