package replay

import (
	"slices"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
)

// Target is the rule, or the call of a rule, that letters are replayed as because what they name is gone.
type Target struct {
	Rule string
	Call string // empty: of each letter the call of its own name
}

// wish is what a letter asks for of what today's rules make of its event.
type wish struct {
	item       int
	rule, call string   // no rule: everything; no call: all calls of the rule
	id         event.ID // of the letter
	isList     bool     // the list of the call's step failed, or its choice did, and no call of it was made
	chosen     []string // where the call is a choice: the names of the calls of which it takes one
	none       bar
}

// bar is why a letter cannot be replayed in the way that was asked for.
type bar int

const (
	nothingBars  bar = iota
	barNamed         // today's rules have its rule and call, so that it needs no other
	barWholeRule     // it is about a rule or an event as a whole, and the target is one call
)

// has reports whether the wish may be about calls, or failures, of a name.
func (w *wish) has(rule, call string) bool {
	return rule == w.rule && (call == w.call || slices.Contains(w.chosen, call))
}

// sum adds up what is known of the calls that the wish may be about.
func sum[T any](w *wish, known map[callName]T, add func(T)) {
	add(known[callName{w.rule, w.call}])
	for _, call := range w.chosen {
		add(known[callName{w.rule, call}])
	}
}

// wishOf says what a letter asks for. Where it is replayed as another rule or call than its own the identity is the
// one that today's rules give: that is what a live event gets, so that one which was read again counts once.
func (m *Mapper) wishOf(l *deadletter.Letter) wish {
	f := &l.Failure
	w := wish{item: f.Item, rule: f.Rule, call: f.Call, id: f.ID, isList: f.Field == "each"}
	switch {
	case m.opts.WholeEvent:
		w.rule, w.call = "", ""
	case m.opts.As == nil:
	case !gone(m.rules, f):
		w.none = barNamed
	case f.Call == "" && m.opts.As.Call != "":
		w.none = barWholeRule
	default:
		w.rule = m.opts.As.Rule
		if m.opts.As.Call != "" {
			w.call = m.opts.As.Call
		}
	}
	each := false
	if w.chosen, each = m.rules.Alternatives(w.rule, w.call); w.chosen != nil && !each {
		w.isList = true
	}
	return w
}

// gone reports whether today's rules no longer have the rule or call that a letter names.
func gone(rules Rules, f *event.Failure) bool {
	isRule, isCall := rules.Names(f.Rule, f.Call)
	return f.Rule != "" && (!isRule || f.Call != "" && !isCall)
}

// follow gives the wishes of renamed calls the identities of today, and so those of choices, whose letters have the
// name of the choice. A rule may make several calls of one name, and only their identities tell which of them a letter
// is about; so the event is mapped once more under the names of before.
func (m *Mapper) follow(
	msg *event.Message, e *replayedEvent, wishes []wish, calls []event.Call, failures []event.Failure,
) {
	mapped := map[[4]string]map[event.ID]event.ID{} // by the names of today and of before
	for i := range wishes {
		w, was := &wishes[i], &e.letters[i].Failure
		if w.none != nothingBars || w.call == "" || m.opts.As == nil && w.chosen == nil {
			continue
		}
		names := [4]string{w.rule, w.call, was.Rule, was.Call}
		today := mapped[names]
		if today == nil {
			oldCalls, oldFailures := m.rules.MapRenamed(msg, names[0], names[1], names[2], names[3])
			today = renamed(oldCalls, calls, oldFailures, failures)
			mapped[names] = today
		}
		if id, ok := today[w.id]; ok {
			w.id = id
		}
	}
}

// renamed gives the identity of today for each of before, by their places. Where the event was not mapped in the same
// way twice, as when a program ran out of time, nothing is told.
func renamed(oldCalls, calls []event.Call, oldFailures, failures []event.Failure) map[event.ID]event.ID {
	today := map[event.ID]event.ID{}
	if len(oldCalls) != len(calls) || len(oldFailures) != len(failures) {
		return today
	}
	for i := range calls {
		if oldCalls[i].Step != calls[i].Step {
			return map[event.ID]event.ID{}
		}
		today[oldCalls[i].ID] = calls[i].ID
	}
	for i := range failures {
		today[oldFailures[i].ID] = failures[i].ID
	}
	return today
}
