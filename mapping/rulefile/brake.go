package rulefile

import (
	"slices"
	"strings"
	"unicode"

	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/mapping/brake"
)

// newPeopleKeys are the keys of a limit of new people.
var newPeopleKeys = table[brake.NewPeople]{
	{yamltree.Row{Key: "limit", Form: yamltree.InWhole, Required: true,
		Meaning: "How many people may be new.", Example: "1000"},
		func(r *reader, n *yamltree.Node, p *brake.NewPeople) {
			if p.Limit = r.whole(n); p.Limit <= 0 && n.Kind == yamltree.Number {
				r.fail(n, "is less than 1: leave new_people out for no limit")
			}
		}},
	{yamltree.Row{Key: "per", Form: yamltree.InDuration, Default: "1h",
		Meaning: "In how much time.", Example: "24h"},
		func(r *reader, n *yamltree.Node, p *brake.NewPeople) {
			before := r.mistakes.Len()
			if p.Per = r.duration(n); r.mistakes.Len() == before && p.Per <= 0 {
				r.fail(n, "is no time: leave it out for 1h")
			}
		}},
}

// maxOwner bounds the name of an owner, which is a metric's label.
const maxOwner = 100

// owner reads who answers for a rule.
func (r *reader) owner(n *yamltree.Node) string {
	before := r.mistakes.Len()
	owner := r.text(n)
	if r.mistakes.Len() == before &&
		(len(owner) > maxOwner || strings.ContainsFunc(owner, unicode.IsControl)) {
		r.fail(n, "want a name of at most %d bytes and in one line", maxOwner)
	}
	return owner
}

// oneOf reads one of some words.
func (r *reader) oneOf(n *yamltree.Node, words ...string) string {
	before := r.mistakes.Len()
	word := r.text(n)
	if r.mistakes.Len() == before && !slices.Contains(words, word) {
		r.fail(n, "is not one of them%s; want %s", choice.Near(word, words), choice.List(words))
	}
	return word
}
