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
	skipped  []skip             // by letter
	none     []bar              // by letter
}

// skip is why a letter is not replayed although there are calls of it.
type skip int

const (
	nothingSkips skip = iota
	destructive       // it needs a destructive call, and those are not allowed
	held              // it needs a call to a workspace to which nothing goes
)

// match finds what the letters of one event ask for.
//
// A letter that failed before any rule asks for everything. One that failed before the calls of its rule asks for all
// calls of that rule. Any other asks for its own call: the one with the same identity or, if no call has that identity
// because the rules changed, the only call of its rule and name. If there are several of that name none is taken,
// because the others were delivered and would count twice. A letter about the list of a step asks for the calls of all
// its items, because none of them was made. Where a record holds several events, a letter of one asks
// for nothing of the others.
//
// A failure that is about more than the letter, such as an event that cannot be read any more, becomes one failure for
// each letter, with the letter's identity. So the next replay does not ask for more than this one.
func match(
	letters []*deadletter.Letter, wishes []wish, calls []event.Call, failures []event.Failure,
	skipped func(*event.Step) skip,
) matching {
	m := matching{
		owners: map[event.ID][]int{}, skipped: make([]skip, len(letters)), none: make([]bar, len(letters)),
	}
	made := newMadeByItem(calls, failures)
	wanted := make([][]int, len(calls))
	for i := range wishes {
		w := &wishes[i]
		m.none[i] = w.none
		asked := made.of(w).callsFor(w)
		for _, c := range asked {
			m.skipped[i] = max(m.skipped[i], skipped(calls[c].Step))
		}
		if m.skipped[i] != nothingSkips {
			continue
		}
		for _, c := range asked {
			wanted[c] = append(wanted[c], i)
		}
	}
	for c, owners := range wanted {
		if owners != nil {
			m.calls = append(m.calls, calls[c])
			m.own(calls[c].ID, owners...)
		}
	}
	for _, f := range failures {
		m.matchFailure(letters, wishes, f, made)
	}
	return m
}

func (m *matching) own(id event.ID, letters ...int) {
	m.owners[id] = append(m.owners[id], letters...)
}

// matchFailure gives a failure to the letters that it is about.
func (m *matching) matchFailure(
	letters []*deadletter.Letter, wishes []wish, f event.Failure, made madeByItem,
) {
	shared := false
	for i, l := range letters {
		w := &wishes[i]
		switch {
		case m.skipped[i] != nothingSkips || m.none[i] != nothingBars:
		case covers(w, f) || made.of(w).isByName(w, f):
			if !shared {
				m.failures = append(m.failures, f)
				shared = true
			}
			m.own(f.ID, i)
		case isBroader(f, w):
			mine := f
			mine.ID, mine.Rule, mine.Call = l.ID(), l.Failure.Rule, l.Failure.Call
			if !slices.Contains(m.owners[mine.ID], i) {
				m.failures = append(m.failures, mine)
				m.own(mine.ID, i)
			}
		}
	}
}

// covers reports whether what is named by f lies within what the letter asks for.
func covers(w *wish, f event.Failure) bool {
	switch {
	case w.item > 0 && w.item != f.Item:
		return false
	case w.rule == "":
		return true
	case w.call == "":
		return f.Rule == w.rule
	default:
		return f.ID == w.id
	}
}

// isBroader reports whether f is about more than the letter: the whole record or event, or the rule of one call.
func isBroader(f event.Failure, w *wish) bool {
	if f.Item != w.item {
		return f.Item == 0 && f.Rule == ""
	}
	if f.Rule == "" {
		return w.rule != ""
	}
	return f.Call == "" && w.call != "" && f.Rule == w.rule
}
