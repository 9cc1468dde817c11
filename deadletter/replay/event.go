package replay

import (
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
)

// replayedEvent is one event of a replay that is in flight, with the letters that are open for it.
//
// It is the Ref of its message. The source makes it, Mapper notes which calls belong to which letter, DeadLetters notes
// what failed again, and when the message is acked the source turns what was noted into resolutions.
type replayedEvent struct {
	letters []*deadletter.Letter

	mu       sync.Mutex
	statuses []letterStatus     // by letter
	owners   map[event.ID][]int // by the identity of a call or failure, the letters that it belongs to
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

// eventOf is the replayed event that a message stands for, nil where it is of another source.
func eventOf(m *event.Message) *replayedEvent {
	e, _ := m.Ref.(*replayedEvent)
	return e
}

// matched notes which calls and failures belong to which letters.
func (e *replayedEvent) matched(m matching) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.owners = m.owners
	for i := range e.statuses {
		e.statuses[i] = letterStatus{skipped: m.skipped[i]}
	}
	for c := range m.calls {
		for _, i := range m.owners[m.calls[c].ID] {
			e.statuses[i].calls++
		}
	}
}

// newFailures gives the failures that are not in the log yet their story, and counts those that are.
func (e *replayedEvent) newFailures(failures []event.Failure) []event.Failure {
	e.mu.Lock()
	defer e.mu.Unlock()
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

// withPast adds the past of the letters that a failure belongs to. The caller holds mu.
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

// noteWritten notes that letters were written for failures.
func (e *replayedEvent) noteWritten(failures []event.Failure) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for f := range failures {
		id := failures[f].ID
		for _, i := range e.owners[id] {
			if e.letters[i].ID() == id {
				e.statuses[i].failed = true
			} else {
				e.statuses[i].replaced = true
			}
		}
	}
}

// resolutions counts what has become of the letters and returns their resolutions, and the letters of which the rules
// made no call.
func (e *replayedEvent) resolutions(progress *Progress) (settled []deadletter.Resolution, unmatched []*deadletter.Letter) {
	e.mu.Lock()
	defer e.mu.Unlock()
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
