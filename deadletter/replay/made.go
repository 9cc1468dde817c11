package replay

import (
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
)

// made is what today's rules make of one event, sorted by what a letter can ask for. It is built once for an event,
// because an event may have thousands of letters and as many calls.
type made struct {
	all    []int              // calls, as indexes
	byRule map[string][]int   // calls
	byID   map[event.ID][]int // calls
	byName map[callName][]int // calls
	failed map[failedCall]bool
	count  map[callName]int // calls and failures of that name
}

// callName is the name of a call of a rule.
type callName struct{ rule, call string }

// failedCall is a failure that may stand for the call of a letter.
type failedCall struct {
	id   event.ID
	call string
}

func newMade(calls []event.Call, failures []event.Failure) *made {
	m := &made{
		all: make([]int, len(calls)), byRule: map[string][]int{}, byID: map[event.ID][]int{},
		byName: map[callName][]int{}, failed: make(map[failedCall]bool, len(failures)), count: map[callName]int{},
	}
	for i := range calls {
		step := calls[i].Step
		name := callName{step.Rule, step.Call}
		m.all[i] = i
		m.byRule[step.Rule] = append(m.byRule[step.Rule], i)
		m.byID[calls[i].ID] = append(m.byID[calls[i].ID], i)
		m.byName[name] = append(m.byName[name], i)
		m.count[name]++
	}
	for i := range failures {
		f := &failures[i]
		m.failed[failedCall{f.ID, f.Call}] = true
		m.count[callName{f.Rule, f.Call}]++
	}
	return m
}

// callsFor returns the calls that a letter asks for.
func (m *made) callsFor(l *deadletter.Letter) []int {
	switch {
	case l.Failure.Rule == "":
		return m.all
	case l.Failure.Call == "":
		return m.byRule[l.Failure.Rule]
	}
	if calls := m.byID[l.ID()]; calls != nil {
		return calls
	}
	if m.hasSole(l) {
		return m.byName[nameOf(l)]
	}
	return nil
}

// isSoleByName reports whether f stands for the letter by its name alone: see hasSole.
func (m *made) isSoleByName(l *deadletter.Letter, f event.Failure) bool {
	return l.Failure.Call != "" && callName{f.Rule, f.Call} == nameOf(l) && m.hasSole(l)
}

// hasSole reports whether nothing with the identity of the letter's call is made any more, and exactly one call or
// failure has its rule and name.
func (m *made) hasSole(l *deadletter.Letter) bool {
	return m.byID[l.ID()] == nil && !m.failed[failedCall{l.ID(), l.Failure.Call}] && m.count[nameOf(l)] == 1
}

func nameOf(l *deadletter.Letter) callName { return callName{l.Failure.Rule, l.Failure.Call} }
