package backfill

import (
	"slices"

	"github.com/ciobridge/ciobridge/event"
)

// Rules map a message.
type Rules interface {
	Map(*event.Message) ([]event.Call, []event.Failure)
}

// Mapper maps the messages of a backfill, and keeps what is asked for.
type Mapper struct {
	rules   Rules
	options Options
	tally   *tally
}

// Mapper is the mapper of the backfill's messages. The rules are those for events of the past.
func (b *Backfill) Mapper(rules Rules) *Mapper { return &Mapper{rules, b.options, &b.tally} }

// Map maps a message. Where rules are chosen, the calls and failures of the others are left out, and so are those of an
// event that no rule could read: the bridge has told of it when it read it live.
func (m *Mapper) Map(msg *event.Message) ([]event.Call, []event.Failure) {
	calls, failures := m.rules.Map(msg)
	chosen := func(rule string) bool { return len(m.options.Rules) == 0 || slices.Contains(m.options.Rules, rule) }
	var left leftOut
	calls = slices.DeleteFunc(calls, func(c event.Call) bool {
		switch {
		case !chosen(c.Step.Rule):
			return true
		case slices.Contains(m.options.Skip, c.Step.Action):
			left.destructive++
			return true
		case c.Step.Once && !m.options.IncludeOnce:
			left.once++
			return true
		}
		return false
	})
	failures = slices.DeleteFunc(failures, func(f event.Failure) bool {
		if f.Rule == "" && !chosen("") {
			left.unreadable = 1
			return true
		}
		return !chosen(f.Rule)
	})
	m.tally.add(calls, failures, left)
	return calls, failures
}
