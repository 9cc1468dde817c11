package deadletter

import (
	"context"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// parcel is one event of a replay in hand, with the letters that are open for it.
type parcel struct {
	letters []*Letter
	fates   []fate // by letter
	owners  map[event.ID][]int
}

// fate is what has become of a letter so far.
type fate struct {
	calls    int  // made of it by today's rules
	barred   bool // it needs a destructive call
	failed   bool // it was written again
	attempts int  // it failed in the same way as before, and so many attempts are to be noted
	replaced bool // other letters were written in its place
}

func newParcel(letters []*Letter) *parcel {
	return &parcel{letters: letters, fates: make([]fate, len(letters))}
}

// Map maps a replayed message by today's rules and keeps what its letters ask for.
func (r *Replay) Map(m event.Message) ([]event.Call, []event.Failure) {
	r.mu.Lock()
	p := r.hand[EventID(&m)]
	r.mu.Unlock()
	if p == nil {
		return nil, nil
	}
	return r.mapParcel(p, m)
}

func (r *Replay) mapParcel(p *parcel, m event.Message) ([]event.Call, []event.Failure) {
	calls, failures := r.rules.Map(m)
	a := assign(p.letters, calls, failures, r.destructive)
	r.mu.Lock()
	defer r.mu.Unlock()
	p.owners = a.owners
	for i := range p.fates {
		p.fates[i] = fate{barred: a.barred[i]}
	}
	for c := range a.calls {
		for _, i := range a.owners[a.calls[c].ID] {
			p.fates[i].calls++
		}
	}
	return a.calls, a.failures
}

// Put stores letters of a replay, with the attempts of those that they come from added to their own. A call that failed before it
// reached the wire counts as one attempt, so that every replay shows. A failure that is in the log already, but for its attempts, is
// only counted: what nobody mends would otherwise be copied by every replay.
func (r *Replay) Put(ctx context.Context, letters ...event.FailedMessage) error {
	stored := make([]event.FailedMessage, 0, len(letters))
	parcels := make([]*parcel, 0, len(letters))
	r.mu.Lock()
	for _, l := range letters {
		p := r.hand[EventID(&l.Message)]
		if p != nil {
			if l.Failures = p.fresh(l.Failures); len(l.Failures) == 0 {
				continue
			}
		}
		stored, parcels = append(stored, l), append(parcels, p)
	}
	r.mu.Unlock()
	if err := r.store.Put(ctx, stored...); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range stored {
		if parcels[i] != nil {
			for f := range stored[i].Failures {
				parcels[i].failed(stored[i].Failures[f].ID)
			}
		}
	}
	return nil
}

// fresh gives the failures that are not in the log yet their story, and counts those that are.
func (p *parcel) fresh(failures []event.Failure) []event.Failure {
	var fresh []event.Failure
	for _, f := range failures {
		f = p.story(f)
		known := -1
		for _, i := range p.owners[f.ID] {
			if p.letters[i].ID() == f.ID && sameWay(f, p.letters[i].Failure) {
				known = i
			}
		}
		if known < 0 {
			fresh = append(fresh, f)
			continue
		}
		p.fates[known].attempts = f.Attempts
		for _, i := range p.owners[f.ID] {
			p.fates[i].replaced = p.fates[i].replaced || p.letters[i].ID() != f.ID
		}
	}
	return fresh
}

// sameWay reports whether a failure says nothing that the letter does not say, but for the attempts.
func sameWay(f, past event.Failure) bool {
	f = storable(f, past.First)
	f.Attempts, f.First = past.Attempts, past.First
	return f == past
}

// story adds the past of the letters that a failure belongs to.
func (p *parcel) story(f event.Failure) event.Failure {
	attempts := 0
	first := f.First
	for _, i := range p.owners[f.ID] {
		past := &p.letters[i].Failure
		attempts = max(attempts, past.Attempts)
		if first.IsZero() || past.First.Before(first) {
			first = past.First
		}
	}
	f.Attempts = min(attempts, maxAttempts) + min(max(f.Attempts, 1), maxAttempts) // stored with a limit
	f.First = first
	return f
}

// failed notes that a letter was written for a failure.
func (p *parcel) failed(id event.ID) {
	for _, i := range p.owners[id] {
		if p.letters[i].ID() == id {
			p.fates[i].failed = true
		} else {
			p.fates[i].replaced = true
		}
	}
}

// settle counts what has become of the letters and returns their resolutions, and the letters of which the rules made no call.
func (p *parcel) settle(progress *Progress) (settled []Resolution, unmatched []*Letter) {
	delivered, replaced, again := Resolution{Kind: Delivered}, Resolution{Kind: Replaced}, Resolution{Kind: FailedAgain}
	for i, l := range p.letters {
		f := p.fates[i]
		switch {
		case f.barred:
			progress.Destructive++
		case f.failed:
			progress.FailedAgain++
		case f.attempts > 0:
			progress.FailedAgain++
			again.Letters, again.Attempts = append(again.Letters, l.ID()), append(again.Attempts, min(f.attempts, maxAttempts))
		case f.replaced:
			progress.FailedAgain++
			replaced.Letters = append(replaced.Letters, l.ID())
		case f.calls == 0:
			progress.Unmatched++
			unmatched = append(unmatched, l)
		default:
			progress.Delivered++
			delivered.Letters = append(delivered.Letters, l.ID())
		}
	}
	l := p.letters[0]
	for _, res := range []Resolution{delivered, replaced, again} {
		res.At, res.EventID, res.Key, res.Origin = time.Now(), l.EventID, l.Message.Key, l.Message.Origin
		for len(res.Letters) > 0 {
			part, n := res, min(len(res.Letters), resolveLetters)
			part.Letters, res.Letters = res.Letters[:n:n], res.Letters[n:]
			if res.Attempts != nil {
				part.Attempts, res.Attempts = res.Attempts[:n:n], res.Attempts[n:]
			}
			settled = append(settled, part)
		}
	}
	return settled, unmatched
}
