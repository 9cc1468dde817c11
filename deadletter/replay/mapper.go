package replay

import (
	"slices"

	"github.com/ciobridge/ciobridge/event"
)

// Rules are today's rules, which turn a message into calls.
type Rules interface {
	Map(m *event.Message) ([]event.Call, []event.Failure)
	// Names reports whether there is a rule of that name, and whether one of its calls has that name.
	Names(rule, call string) (isRule, isCall bool)
	// Alternatives are the names of the calls of which a choice of that name takes one, and whether it is made for each
	// item of a list.
	Alternatives(rule, call string) (names []string, each bool)
	// MapRepaired is Map for a message that was repaired for the sake of these failures, whose calls keep their
	// identities; value is what it held before.
	MapRepaired(m *event.Message, failures []event.Failure, value []byte) ([]event.Call, []event.Failure)
	// MapRenamed is Map with the identities that the calls of one name had when it was another.
	MapRenamed(m *event.Message, rule, call, oldRule, oldCall string) ([]event.Call, []event.Failure)
}

// Mapper maps the messages of a replay by today's rules, and keeps only the calls that their letters ask for.
type Mapper struct {
	rules Rules
	opts  Options
	held  []string // workspaces to which nothing goes
}

// Map maps a message of the replay. Of any other it makes nothing.
func (m *Mapper) Map(msg *event.Message) ([]event.Call, []event.Failure) {
	e := eventOf(msg)
	if e == nil {
		return nil, nil
	}
	calls, failures := m.mapEvent(msg, e)
	wishes := make([]wish, len(e.letters))
	for i, l := range e.letters {
		wishes[i] = m.wishOf(l)
	}
	m.follow(msg, e, wishes, calls, failures)
	found := match(e.letters, wishes, calls, failures, func(s *event.Step) skip {
		switch {
		case slices.Contains(m.opts.Skip, s.Action):
			return destructive
		case slices.Contains(m.held, s.Workspace):
			return held
		}
		return nothingSkips
	})
	e.matched(found)
	return found.calls, found.failures
}

// mapEvent maps the event of letters. One that was repaired, now or when its letters were written, keeps the identities
// of its letters.
func (m *Mapper) mapEvent(msg *event.Message, e *replayedEvent) ([]event.Call, []event.Failure) {
	if e.repairs.IsZero() && e.letters[0].Original.IsZero() {
		return m.rules.Map(msg)
	}
	failed := make([]event.Failure, len(e.letters))
	for i, l := range e.letters {
		failed[i] = l.Failure
	}
	return m.rules.MapRepaired(msg, failed, e.letters[0].Message.Value)
}
