package deadletter

import (
	"context"
	"slices"
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
	calls, failures := r.mapper.Map(m)
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
// reached the wire counts as one attempt, so that every replay shows.
func (r *Replay) Put(ctx context.Context, letters ...event.Letter) error {
	counted := make([]event.Letter, len(letters))
	parcels := make([]*parcel, len(letters))
	r.mu.Lock()
	for i, l := range letters {
		parcels[i] = r.hand[EventID(&l.Message)]
		if p := parcels[i]; p != nil {
			l.Failures = slices.Clone(l.Failures)
			for f := range l.Failures {
				l.Failures[f] = p.story(l.Failures[f])
			}
		}
		counted[i] = l
	}
	r.mu.Unlock()
	if err := r.store.Put(ctx, counted...); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range counted {
		if parcels[i] != nil {
			for f := range counted[i].Failures {
				parcels[i].failed(counted[i].Failures[f].ID)
			}
		}
	}
	return nil
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
	f.Attempts = attempts + max(f.Attempts, 1)
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

// settle counts what has become of the letters and returns their resolutions.
func (p *parcel) settle(report *Report) []Resolution {
	var delivered, replaced Resolution
	for i, l := range p.letters {
		f := p.fates[i]
		switch {
		case f.barred:
			report.Destructive++
		case f.failed:
			report.FailedAgain++
		case f.replaced:
			report.FailedAgain++
			replaced.Letters = append(replaced.Letters, l.ID())
		case f.calls == 0:
			report.Unmatched++
		default:
			report.Delivered++
			delivered.Letters = append(delivered.Letters, l.ID())
		}
	}
	delivered.Outcome, replaced.Outcome = Delivered, Replaced
	var settled []Resolution
	for _, res := range []Resolution{delivered, replaced} {
		if len(res.Letters) > 0 {
			res.At, res.Key, res.Origin = time.Now(), p.letters[0].Message.Key, p.letters[0].Message.Origin
			settled = append(settled, res)
		}
	}
	return settled
}
