package replay

import (
	"slices"
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
	repairs event.Original // where the message is a repaired copy, of what
	note    string         // of the resolutions

	mu       sync.Mutex
	statuses []letterStatus     // by letter
	owners   map[event.ID][]int // by the identity of a call or failure, the letters that it belongs to
}

// letterStatus is what has become of a letter so far.
type letterStatus struct {
	calls    int // made of it by today's rules
	skipped  skip
	none     bar
	failed   bool  // it was written again
	attempts int   // it failed in the same way as before, and so many attempts are to be noted
	replaced bool  // other letters were written in its place
	erased   bool  // a call was not sent, because its person was erased
	again    Group // of what it failed with now
}

func newReplayedEvent(letters []*deadletter.Letter) *replayedEvent {
	return &replayedEvent{letters: letters, statuses: make([]letterStatus, len(letters))}
}

// repair puts a repaired value into the message of the event's only letter.
func (e *replayedEvent) repair(m *event.Message, value []byte) {
	e.repairs = event.Original{Letter: e.letters[0].ID(), Event: e.letters[0].EventID}
	m.Value = value
	e.note = "by a repaired copy, event " + deadletter.EventID(m).String()
}

// original is what the message is a repaired copy of: now, or when its letters were written.
func (e *replayedEvent) original() event.Original {
	if e.repairs.IsZero() {
		return e.letters[0].Original
	}
	return e.repairs
}

// eventOf is the event that a message of a replay stands for. It is nil for a message of another source.
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
		e.statuses[i] = letterStatus{skipped: m.skipped[i], none: m.none[i]}
	}
	for c := range m.calls {
		for _, i := range m.owners[m.calls[c].ID] {
			e.statuses[i].calls++
		}
	}
}

// newFailures returns the failures that are not in the log yet, with their past added, and counts the attempts of those
// that are. That a person was erased is no failure: it closes the letter.
func (e *replayedEvent) newFailures(failures []event.Failure) []event.Failure {
	e.mu.Lock()
	defer e.mu.Unlock()
	var fresh []event.Failure
	for _, f := range failures {
		if f.Reason == event.ReasonErased {
			for _, i := range e.owners[f.ID] {
				e.statuses[i].erased = true
			}
			continue
		}
		f = e.withPast(f)
		e.noteGroup(&f)
		known := -1
		for _, i := range e.owners[f.ID] {
			same := e.letters[i].ID() == f.ID && deadletter.SameFailure(f, e.letters[i].Failure)
			if same && e.repairs.IsZero() {
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

// withPast adds the attempts, the first time and the digests of the letters that a failure belongs to. The caller
// holds mu.
func (e *replayedEvent) withPast(f event.Failure) event.Failure {
	attempts := 0
	first := f.First
	for _, i := range e.owners[f.ID] {
		past := &e.letters[i].Failure
		attempts = max(attempts, past.Attempts)
		if e.repairs.IsZero() {
			f.Persons = past.Persons
		}
		if first.IsZero() || past.First.Before(first) {
			first = past.First
		}
	}
	// Both are bounded, so that the sum does not wrap; it is stored with the same bound.
	f.Attempts = min(attempts, deadletter.MaxAttempts) + min(max(f.Attempts, 1), deadletter.MaxAttempts)
	f.First = first
	return f
}

// noteWritten notes that letters were written for failures.
func (e *replayedEvent) noteWritten(failures []event.Failure) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for f := range failures {
		id := failures[f].ID
		e.noteGroup(&failures[f])
		for _, i := range e.owners[id] {
			if e.letters[i].ID() == id && e.repairs.IsZero() {
				e.statuses[i].failed = true
			} else {
				e.statuses[i].replaced = true
			}
		}
	}
}

// noteGroup notes with what the letters fail to which a failure belongs. The caller holds mu.
func (e *replayedEvent) noteGroup(f *event.Failure) {
	for _, i := range e.owners[f.ID] {
		e.statuses[i].again = groupOf(BecameFailedAgain, f)
	}
}

// resolutions counts what has become of the letters, and gives the group of each to count. It returns their
// resolutions, and the letters for which the rules made no call.
func (e *replayedEvent) resolutions(progress *Progress, count func(Group)) (
	resolved []deadletter.Resolution, unmatched []*deadletter.Letter,
) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delivered, replaced := e.resolution(deadletter.Delivered), e.resolution(deadletter.Replaced)
	again, erased := e.resolution(deadletter.FailedAgain), e.resolution(deadletter.Erased)
	for i, l := range e.letters {
		s := e.statuses[i]
		group := groupOf(BecameLeftOpen, &l.Failure)
		switch {
		case s.skipped == destructive:
			progress.Destructive++
		case s.skipped == held:
			progress.Held++
		case s.none == barNamed:
			progress.Named++
		case s.none == barWholeRule:
			progress.WholeRules++
		case s.failed, s.attempts > 0, s.replaced:
			progress.FailedAgain++
			group = s.again
			switch {
			case s.failed:
			case s.attempts > 0:
				again.Letters = append(again.Letters, l.ID())
				again.Attempts = append(again.Attempts, min(s.attempts, deadletter.MaxAttempts))
			default:
				replaced.Letters = append(replaced.Letters, l.ID())
			}
		case s.erased:
			progress.Erased++
			group.Became = BecameErased
			erased.Letters = append(erased.Letters, l.ID())
		case s.calls == 0:
			progress.Unmatched++
			unmatched = append(unmatched, l)
		default:
			progress.Delivered++
			group.Became = BecameDelivered
			delivered.Letters = append(delivered.Letters, l.ID())
		}
		count(group)
	}
	resolved = slices.Concat(parts(delivered), parts(replaced), parts(again), parts(erased))
	return resolved, unmatched
}

// resolution is one of that kind, without letters.
func (e *replayedEvent) resolution(kind deadletter.ResolutionKind) deadletter.Resolution {
	l := e.letters[0]
	return deadletter.Resolution{
		Kind: kind, At: time.Now(), EventID: l.EventID, Note: e.note, Key: l.Message.Key, Origin: l.Message.Origin,
	}
}

// resolveLetters is how many letters one resolution names, at most 35 bytes each, so that the lowest max_bytes holds
// it.
const resolveLetters = 250

// parts divides a resolution into some that no store finds too large. Of a resolution without letters there are none.
func parts(r deadletter.Resolution) []deadletter.Resolution {
	var list []deadletter.Resolution
	for len(r.Letters) > 0 {
		part, n := r, min(len(r.Letters), resolveLetters)
		part.Letters, r.Letters = r.Letters[:n:n], r.Letters[n:]
		if r.Attempts != nil {
			part.Attempts, r.Attempts = r.Attempts[:n:n], r.Attempts[n:]
		}
		list = append(list, part)
	}
	return list
}
