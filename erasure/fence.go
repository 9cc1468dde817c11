package erasure

import (
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// Fence is what is known of one identifier of an erased person.
//
// It is raised by a delete or a suppress, at the place of that event. What is earlier is never sent. What is later is
// sent once the fence is lifted: that of a deletion by an event whose rule revives, that of a suppression by an
// unsuppress. A fence that is lifted still holds what is earlier.
type Fence struct {
	Erased     Place     // of the newest delete or suppress
	Raised     time.Time // when
	Deleted    bool      // not revived since
	Suppressed bool      // not unsuppressed since

	// Customer.io has taken the delete of that event, and the suppress: one event may ask for both.
	DeleteTaken, SuppressTaken bool

	Version uint32 // counts what was written of the identifier, from 1
}

// taken reports whether Customer.io has taken an erasure of the fence's event. Until then it is pending.
func (f Fence) taken() bool { return f.DeleteTaken || f.SuppressTaken }

// take notes that Customer.io has taken what a call at a place has asked for.
func (f Fence) take(suppress bool, at Place) Fence {
	if at.to(f.Erased, 0) == same {
		f.DeleteTaken, f.SuppressTaken = f.DeleteTaken || !suppress, f.SuppressTaken || suppress
	}
	return f
}

// same reports whether two fences say the same. Times are compared as times: a record may have another zone.
func (f Fence) same(o Fence) bool {
	if !f.Erased.Time.Equal(o.Erased.Time) || !f.Raised.Equal(o.Raised) {
		return false
	}
	f.Erased.Time, f.Raised = o.Erased.Time, o.Raised
	return f == o
}

// newer gives the fence that counts of two for one identifier, the second of which stands later in the log. That is the
// one of the later erasure, and of two for one erasure the one that follows the other: a write may come long after it
// has failed, when what it says has been overtaken.
func newer(old, next Fence) Fence {
	switch next.Erased.to(old.Erased, 0) {
	case earlier:
		if !next.Erased.Time.Equal(old.Erased.Time) {
			return old
		}
	case same:
		if next.Version <= old.Version {
			return old
		}
	}
	return next
}

// verdict is what becomes of a call. Of a call with several identifiers the greatest counts.
type verdict int

const (
	send      verdict = iota
	raise             // send it, and the fence is to be raised or lifted before
	hold              // not yet: what is before it, or other replicas, have to settle first
	done              // an erasure that was accepted before; there is nothing to send
	tooEarly          // the event is earlier than the erasure
	notRevive         // the event is later, and does not bring the person back
)

// judge decides about a call at a place, by the fence of one of its identifiers. With raise it gives the fence that is
// to be written first.
func (f Fence) judge(known bool, step *event.Step, at Place, now time.Time, skew time.Duration) (verdict, Fence) {
	switch step.Fence {
	case event.DeleteFence, event.SuppressFence:
		return f.erasure(known, step.Fence == event.SuppressFence, at, now)
	}
	if !known {
		return send, f
	}
	if at.to(f.Erased, skew) == earlier {
		return tooEarly, f
	}
	switch {
	case step.Fence == event.LiftFence:
		if !f.Suppressed {
			return send, f
		}
		f.Suppressed = false
		return raise, f
	case f.Suppressed:
		return notRevive, f
	case !f.Deleted:
		return send, f
	case step.Revives && at.to(f.Erased, skew) == later:
		f.Deleted = false
		return raise, f
	}
	return notRevive, f
}

// erasure decides about a delete or suppress. It is always sent, unless it was accepted, or is a delete before an
// erasure that was.
func (f Fence) erasure(known, suppress bool, at Place, now time.Time) (verdict, Fence) {
	stands, taken, raisedByOther := f.Deleted, f.DeleteTaken, f.Suppressed || f.SuppressTaken
	if suppress {
		stands, taken, raisedByOther = f.Suppressed, f.SuppressTaken, f.Deleted || f.DeleteTaken
	}
	relation := at.to(f.Erased, 0)
	switch {
	case !known || relation == later:
		return raise, Fence{
			Erased: at.erasedAt(now), Raised: now,
			Deleted: f.Deleted || !suppress, Suppressed: f.Suppressed || suppress,
		}
	case relation == same && taken, relation == earlier && !suppress && f.taken():
		return done, f
	case relation == same && !stands && raisedByOther: // the event asks for both
		f.Raised, f.Deleted, f.Suppressed = now, f.Deleted || !suppress, f.Suppressed || suppress
		return raise, f
	}
	return send, f
}
