package replay

import (
	"slices"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
)

// matching says which of the calls and failures that today's rules make of an event belong to its letters.
type matching struct {
	calls    []event.Call
	failures []event.Failure
	owners   map[event.ID][]int // by the identity of a call or failure, the letters that it belongs to
	skipped  []bool             // by letter: it needs a destructive call, and those are not allowed
}

// match chooses what the letters of one event ask for.
//
// A letter that failed before any rule asks for everything, one that failed before the calls of its rule for what that rule makes.
// Any other asks for its own call: the one of the same identity or, when there is none because the identities have changed, the
// only one of its rule and name. Where a rule makes several calls of one name none of them is taken, because the others were
// delivered and would count twice.
//
// A failure that reaches further than the letter, such as an event that cannot be read any more, becomes one failure per letter
// with the letter's identity, so that the next replay does not ask for more than this one.
func match(letters []*deadletter.Letter, calls []event.Call, failures []event.Failure, destructive func(action string) bool) matching {
	a := matching{owners: map[event.ID][]int{}, skipped: make([]bool, len(letters))}
	wanted := make([][]int, len(calls))
	for i, l := range letters {
		mine := callsFor(l, calls, failures)
		for _, c := range mine {
			a.skipped[i] = a.skipped[i] || destructive(calls[c].Step.Action)
		}
		if a.skipped[i] {
			continue
		}
		for _, c := range mine {
			wanted[c] = append(wanted[c], i)
		}
	}
	for c, owners := range wanted {
		if owners != nil {
			a.calls = append(a.calls, calls[c])
			a.own(calls[c].ID, owners...)
		}
	}
	for _, f := range failures {
		a.matchFailure(letters, f, calls, failures)
	}
	return a
}

func (a *matching) own(id event.ID, letters ...int) {
	a.owners[id] = append(a.owners[id], letters...)
}

// matchFailure gives a failure to the letters that it concerns.
func (a *matching) matchFailure(letters []*deadletter.Letter, f event.Failure, calls []event.Call, failures []event.Failure) {
	shared := false
	for i, l := range letters {
		switch {
		case a.skipped[i]:
		case covers(l, f) || isSoleByName(l, f, calls, failures):
			if !shared {
				a.failures = append(a.failures, f)
				shared = true
			}
			a.own(f.ID, i)
		case isBroader(f, l):
			mine := f
			mine.ID, mine.Rule, mine.Call = l.ID(), l.Failure.Rule, l.Failure.Call
			if !slices.Contains(a.owners[mine.ID], i) {
				a.failures = append(a.failures, mine)
				a.own(mine.ID, i)
			}
		}
	}
}

// callsFor returns the calls that a letter asks for.
func callsFor(l *deadletter.Letter, calls []event.Call, failures []event.Failure) []int {
	var mine []int
	for c := range calls {
		f := event.Failure{ID: calls[c].ID, Rule: calls[c].Step.Rule, Call: calls[c].Step.Call}
		if covers(l, f) || isSoleByName(l, f, calls, failures) {
			mine = append(mine, c)
		}
	}
	return mine
}

// covers reports whether what is named by f lies within what the letter asks for.
func covers(l *deadletter.Letter, f event.Failure) bool {
	switch {
	case l.Failure.Rule == "":
		return true
	case l.Failure.Call == "":
		return f.Rule == l.Failure.Rule
	default:
		return f.ID == l.ID()
	}
}

// isSoleByName reports whether f is, for a letter of one call whose identity is no longer made, the only one of its rule and name.
func isSoleByName(l *deadletter.Letter, f event.Failure, calls []event.Call, failures []event.Failure) bool {
	rule, call := l.Failure.Rule, l.Failure.Call
	if call == "" || f.Rule != rule || f.Call != call {
		return false
	}
	n := 0
	for i := range calls {
		if calls[i].ID == l.ID() {
			return false
		}
		if calls[i].Step.Rule == rule && calls[i].Step.Call == call {
			n++
		}
	}
	for i := range failures {
		if failures[i].ID == l.ID() && failures[i].Call == call {
			return false
		}
		if failures[i].Rule == rule && failures[i].Call == call {
			n++
		}
	}
	return n == 1
}

// isBroader reports whether f is about more than the letter: the whole event, or the rule of one call.
func isBroader(f event.Failure, l *deadletter.Letter) bool {
	if f.Rule == "" {
		return l.Failure.Rule != ""
	}
	return f.Call == "" && l.Failure.Call != "" && f.Rule == l.Failure.Rule
}
