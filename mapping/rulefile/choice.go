package rulefile

import (
	"slices"
	"sync"

	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/mapping"
)

// choiceKeys are the keys of a step in which data choose the action.
var choiceKeys = table[mapping.Action]{
	{yamltree.Row{Key: "action",
		Meaning: "In place of an action: gives the word of one of the steps of `any_of`, which is then the one that " +
			"is taken.",
		Example: ".traits.action",
		Form:    yamltree.InExpression},
		func(r *reader, n *yamltree.Node, a *mapping.Action) { chosen(a).By = r.program(n) }},
	{yamltree.Row{Key: "any_of",
		Meaning: "The steps of which `action` takes one. Each has the keys of a step, but for `action`, `any_of` and " +
			"`else`, and `is`: the words that choose it. Left out, that is the name of its action.",
		Example: "[{identify: {person: .id}}, {track: {person: .id, name: bought}, is: [buy, order]}]",
		Form:    yamltree.InnerMap, Many: yamltree.ListOf, Inside: alternativeRows},
		func(r *reader, n *yamltree.Node, a *mapping.Action) { chosen(a).Of = list(r, n, r.alternative) }},
	{yamltree.Row{Key: "else",
		Meaning: "What becomes of an event whose `action` is no word of `any_of`: nothing (`skip`), a dead letter " +
			"(`dead_letter`), or what the step makes of it that has the word which stands here.",
		Example: "skip", Default: string(mapping.DeadLetter),
		Form: yamltree.InText},
		func(r *reader, n *yamltree.Node, a *mapping.Action) { chosen(a).Else = r.text(n) }},
}

// isRow is the row of the words that choose a step.
var isRow = row[mapping.Action]{yamltree.Row{Key: "is",
	Meaning: "The words that choose the step. Left out, that is the name of its action.",
	Example: "[buy, order]",
	Form:    yamltree.InText, Many: yamltree.OneOrMany},
	func(r *reader, n *yamltree.Node, a *mapping.Action) {
		if a.Is = oneOrList(r, n, r.text); len(a.Is) == 0 {
			r.fail(n, "the list is empty: write the words, or leave the key out")
		}
	}}

// chosen is the choice of a step, which is made by the first of its keys.
func chosen(a *mapping.Action) *mapping.Choice {
	if a.Choice == nil {
		a.Choice = &mapping.Choice{}
	}
	return a.Choice
}

// alternativeTable has the keys of a step of any_of.
var (
	alternativeTable = slices.Concat(stepKeys, table[mapping.Action]{isRow}, actionKeys())
	alternativeRows  = sync.OnceValue(alternativeKeys)
)

func alternativeKeys() []yamltree.Row {
	return slices.Concat(stepKeys, table[mapping.Action]{isRow}, actionKeys()).rows()
}

// alternative reads a step of which a choice may take one.
func (r *reader) alternative(n *yamltree.Node) mapping.Action {
	for _, key := range []string{"action", "any_of", "else"} {
		if inner := n.Get(key); inner != nil {
			r.fail(inner, "a choice does not stand in another one: list the steps of both in one any_of, and have "+
				"action tell them apart")
			return mapping.Action{}
		}
	}
	return r.step(n, alternativeTable)
}

// step reads a step by the keys that it may have.
func (r *reader) step(n *yamltree.Node, t table[mapping.Action]) mapping.Action {
	a := mapping.Action{Pos: n.Place}
	if readMap(r, n, t, &a) && a.Action == 0 && a.Choice == nil {
		r.fail(n, "names no action; want %s", choice.List(actionNames()))
	}
	return a
}
