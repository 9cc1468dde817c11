package replay

import (
	"slices"

	"github.com/ciobridge/ciobridge/event"
)

// Rules are today's rules, which turn a message into calls.
type Rules interface {
	Map(m event.Message) ([]event.Call, []event.Failure)
	// Names reports whether there is a rule of that name, and whether one of its calls has that name.
	Names(rule, call string) (isRule, isCall bool)
}

// Mapper maps the messages of a replay by today's rules, and keeps only the calls that their letters ask for.
type Mapper struct {
	rules   Rules
	skipped []string // the actions whose letters stay open
}

// Map maps a message of the replay. Of any other it makes nothing.
func (m *Mapper) Map(msg event.Message) ([]event.Call, []event.Failure) {
	e := eventOf(&msg)
	if e == nil {
		return nil, nil
	}
	calls, failures := m.rules.Map(msg)
	found := match(e.letters, calls, failures, func(action string) bool { return slices.Contains(m.skipped, action) })
	e.matched(found)
	return found.calls, found.failures
}
