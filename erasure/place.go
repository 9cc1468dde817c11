package erasure

import (
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// Place is where an event stands among others: in its log, and in time.
type Place struct {
	Topic     string
	Partition int32
	Offset    int64
	Item      int32     // among the events of one message, from 1; 0 where that is one event
	Time      time.Time // of the event, or of its message where it tells none

	stored time.Time // the broker's time of the message; of a fence it is not kept
}

// placeOf is the place of a call's event. Of a stream the sequence counts, however its readers divide it.
func placeOf(c *event.Call) Place {
	o := c.About.Origin
	if o.Subject != "" {
		o.Partition = 0
	}
	return Place{o.Topic, o.Partition, o.Offset, c.Item, c.About.Time, c.About.Stored}
}

// erasedAt is the place of a fence that is raised at an event's. Its time is the latest that is known, for a deletion
// may be told with the time at which it was asked for, days before.
func (p Place) erasedAt(now time.Time) Place {
	if p.stored.After(p.Time) {
		p.Time = p.stored
	}
	if p.Time.IsZero() {
		p.Time = now
	}
	p.Time, p.stored = p.Time.UTC(), time.Time{}
	return p
}

// relation is how a place stands to another one.
type relation int

const (
	earlier relation = iota - 1
	same
	later
)

// madeAnew is by how much the broker's time for a message is later than a fence where the log was deleted and made
// again, so that its offsets stand for other messages. No clock is so wrong.
const madeAnew = 24 * time.Hour

// to says how the place stands to a fence's. In one partition the offsets decide, since they are the order in which the
// company told what happened. Elsewhere the times decide, and what is not later by more than skew is earlier, because
// clocks differ: to hold a call too many can be mended, and to send one too many cannot.
func (p Place) to(fence Place, skew time.Duration) relation {
	anew := !p.stored.IsZero() && p.stored.Sub(fence.Time) > madeAnew
	if p.Topic != fence.Topic || p.Partition != fence.Partition || anew && p.Offset <= fence.Offset {
		if p.Time.After(fence.Time.Add(skew)) {
			return later
		}
		return earlier
	}
	switch {
	case p.Offset < fence.Offset, p.Offset == fence.Offset && p.Item < fence.Item:
		return earlier
	case p.Offset == fence.Offset && p.Item == fence.Item:
		return same
	}
	return later
}
