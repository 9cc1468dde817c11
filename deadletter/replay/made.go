package replay

import (
	"slices"

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

// madeByItem is what is made of each event of a record; under 0 what is made of the record, whichever event it is of.
type madeByItem map[int]*made

func newMadeByItem(calls []event.Call, failures []event.Failure) madeByItem {
	m := madeByItem{0: newMade()}
	for i := range calls {
		c := &calls[i]
		m[0].addCall(i, c)
		if c.Item > 0 {
			m.item(int(c.Item)).addCall(i, c)
		}
	}
	for i := range failures {
		f := &failures[i]
		m[0].addFailure(f)
		if f.Item > 0 {
			m.item(f.Item).addFailure(f)
		}
	}
	return m
}

func (m madeByItem) item(i int) *made {
	if m[i] == nil {
		m[i] = newMade()
	}
	return m[i]
}

// of gives what is made of the event that a wish is about.
func (m madeByItem) of(w *wish) *made { return m.item(w.item) }

func newMade() *made {
	return &made{
		byRule: map[string][]int{}, byID: map[event.ID][]int{}, byName: map[callName][]int{},
		failed: map[failedCall]bool{}, count: map[callName]int{},
	}
}

func (m *made) addCall(i int, c *event.Call) {
	name := callName{c.Step.Rule, c.Step.Call}
	m.all = append(m.all, i)
	m.byRule[name.rule] = append(m.byRule[name.rule], i)
	m.byID[c.ID] = append(m.byID[c.ID], i)
	m.byName[name] = append(m.byName[name], i)
	m.count[name]++
}

func (m *made) addFailure(f *event.Failure) {
	m.failed[failedCall{f.ID, f.Call}] = true
	m.count[callName{f.Rule, f.Call}]++
}

// callsFor returns the calls that a wish asks for. A letter about a whole list asks for those of all items, none of
// which was delivered with it.
func (m *made) callsFor(w *wish) []int {
	switch {
	case w.none != nothingBars:
		return nil
	case w.rule == "":
		return m.all
	case w.call == "":
		return m.byRule[w.rule]
	}
	if calls := m.byID[w.id]; calls != nil {
		return calls
	}
	if !w.isList && !m.hasSole(w) {
		return nil
	}
	if w.chosen == nil {
		return m.byName[callName{w.rule, w.call}]
	}
	var calls []int
	sum(w, m.byName, func(more []int) { calls = append(calls, more...) })
	slices.Sort(calls)
	return calls
}

// isByName reports whether f stands for the wish by its name alone: see callsFor.
func (m *made) isByName(w *wish, f event.Failure) bool {
	return w.call != "" && w.has(f.Rule, f.Call) && (w.item == 0 || w.item == f.Item) &&
		(w.isList && m.byID[w.id] == nil || m.hasSole(w))
}

// hasSole reports whether nothing with the identity of the wanted call is made any more, and exactly one call or
// failure has its rule and name.
func (m *made) hasSole(w *wish) bool {
	count := 0
	sum(w, m.count, func(more int) { count += more })
	return m.byID[w.id] == nil && !m.failed[failedCall{w.id, w.call}] && count == 1
}
