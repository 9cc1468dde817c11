package replay

import (
	"context"
	"time"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
)

// replayedEvent is one event of a replay that is in flight, with the letters that are open for it.
type replayedEvent struct {
	letters  []*deadletter.Letter
	statuses []letterStatus // by letter
	owners   map[event.ID][]int
}

// letterStatus is what has become of a letter so far.
type letterStatus struct {
	calls    int  // made of it by today's rules
	skipped  bool // it needs a destructive call
	failed   bool // it was written again
	attempts int  // it failed in the same way as before, and so many attempts are to be noted
	replaced bool // other letters were written in its place
}

func newReplayedEvent(letters []*deadletter.Letter) *replayedEvent {
	return &replayedEvent{letters: letters, statuses: make([]letterStatus, len(letters))}
}

// Map maps a replayed message by today's rules and keeps what its letters ask for.
func (r *Replay) Map(m event.Message) ([]event.Call, []event.Failure) {
	r.mu.Lock()
	e := r.inFlight[deadletter.EventID(&m)]
	r.mu.Unlock()
	if e == nil {
		return nil, nil
	}
	return r.mapEvent(e, m)
}

func (r *Replay) mapEvent(e *replayedEvent, m event.Message) ([]event.Call, []event.Failure) {
	calls, failures := r.rules.Map(m)
	a := match(e.letters, calls, failures, r.destructive)
	r.mu.Lock()
	defer r.mu.Unlock()
	e.owners = a.owners
	for i := range e.statuses {
		e.statuses[i] = letterStatus{skipped: a.skipped[i]}
	}
	for c := range a.calls {
		for _, i := range a.owners[a.calls[c].ID] {
			e.statuses[i].calls++
		}
	}
	return a.calls, a.failures
}

// Put stores letters of a replay, with the attempts of those that they come from added to their own. A call that failed before it
// reached the wire counts as one attempt, so that every replay shows. A failure that is in the log already, but for its attempts, is
// only counted: what nobody mends would otherwise be copied by every replay.
func (r *Replay) Put(ctx context.Context, letters ...event.FailedMessage) error {
	stored := make([]event.FailedMessage, 0, len(letters))
	events := make([]*replayedEvent, 0, len(letters))
	r.mu.Lock()
	for _, l := range letters {
		e := r.inFlight[deadletter.EventID(&l.Message)]
		if e != nil {
			if l.Failures = e.newFailures(l.Failures); len(l.Failures) == 0 {
				continue
			}
		}
		stored, events = append(stored, l), append(events, e)
	}
	r.mu.Unlock()
	if err := r.store.Put(ctx, stored...); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range stored {
		if events[i] != nil {
			for f := range stored[i].Failures {
				events[i].noteWritten(stored[i].Failures[f].ID)
			}
		}
	}
	return nil
}

// newFailures gives the failures that are not in the log yet their story, and counts those that are.
func (e *replayedEvent) newFailures(failures []event.Failure) []event.Failure {
	var fresh []event.Failure
	for _, f := range failures {
		f = e.withPast(f)
		known := -1
		for _, i := range e.owners[f.ID] {
			if e.letters[i].ID() == f.ID && deadletter.SameFailure(f, e.letters[i].Failure) {
				known = i
			}
		}
		if known < 0 {
			fresh = append(fresh, f)
			continue
		}
		e.statuses[known].attempts = f.Attempts
		for _, i := range e.owners[f.ID] {
			e.statuses[i].replaced = e.statuses[i].replaced || e.letters[i].ID() != f.ID
		}
	}
	return fresh
}

// withPast adds the past of the letters that a failure belongs to.
func (e *replayedEvent) withPast(f event.Failure) event.Failure {
	attempts := 0
	first := f.First
	for _, i := range e.owners[f.ID] {
		past := &e.letters[i].Failure
		attempts = max(attempts, past.Attempts)
		if first.IsZero() || past.First.Before(first) {
			first = past.First
		}
	}
	f.Attempts = min(attempts, deadletter.MaxAttempts) + min(max(f.Attempts, 1), deadletter.MaxAttempts) // stored with a limit
	f.First = first
	return f
}

// noteWritten notes that a letter was written for a failure.
func (e *replayedEvent) noteWritten(id event.ID) {
	for _, i := range e.owners[id] {
		if e.letters[i].ID() == id {
			e.statuses[i].failed = true
		} else {
			e.statuses[i].replaced = true
		}
	}
}

// resolutions counts what has become of the letters and returns their resolutions, and the letters of which the rules made no call.
func (e *replayedEvent) resolutions(progress *Progress) (settled []deadletter.Resolution, unmatched []*deadletter.Letter) {
	delivered, replaced, again := deadletter.Resolution{Kind: deadletter.Delivered}, deadletter.Resolution{Kind: deadletter.Replaced}, deadletter.Resolution{Kind: deadletter.FailedAgain}
	for i, l := range e.letters {
		f := e.statuses[i]
		switch {
		case f.skipped:
			progress.Destructive++
		case f.failed:
			progress.FailedAgain++
		case f.attempts > 0:
			progress.FailedAgain++
			again.Letters, again.Attempts = append(again.Letters, l.ID()), append(again.Attempts, min(f.attempts, deadletter.MaxAttempts))
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
	l := e.letters[0]
	for _, res := range []deadletter.Resolution{delivered, replaced, again} {
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
