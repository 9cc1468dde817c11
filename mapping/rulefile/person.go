package rulefile

import (
	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/mapping"
)

// personRow is the row of a field that names a person.
func personRow(f *customerio.Field) row[mapping.Action] {
	read := func(r *reader, n *yamltree.Node, a *mapping.Action) { a.Person = oneOrList(r, n, r.personOf(f)) }
	if f.Kind == customerio.OtherPersonField {
		read = func(r *reader, n *yamltree.Node, a *mapping.Action) { a.Secondary = oneOrList(r, n, r.personOf(f)) }
	}
	if len(f.Identifiers) == 1 {
		kind := f.Identifiers[0].String()
		return row[mapping.Action]{yamltree.Row{
			Meaning: "Who the call is about: an expression that gives the " + kind + ".",
			Example: ".user." + kind,
			Form:    yamltree.ExpressionOrMap, Many: yamltree.OneOrMany, Inside: personRows}, read}
	}
	example := "{email: .user.email}"
	if f.Key == "secondary" {
		example = ".old_id"
	}
	return row[mapping.Action]{yamltree.Row{
		Meaning: "Who the call is about: an expression that gives an id, or a map with the kind of the identifier. " +
			"Of a list the first that is present counts.",
		Example: example,
		Form:    yamltree.ExpressionOrMap, Many: yamltree.OneOrMany, Inside: personRows}, read}
}

// personKeys are the kinds of identifiers.
var personKeys = func() table[mapping.Person] {
	var t table[mapping.Person]
	for _, name := range customerio.Identifiers() {
		t = append(t, row[mapping.Person]{yamltree.Row{Key: name, Form: yamltree.InExpression,
			Meaning: "Gives the person's " + name + ".", Example: ".user." + name},
			func(r *reader, n *yamltree.Node, p *mapping.Person) {
				if p.Kind != 0 {
					r.fail(n, "a person is named by one identifier; write a list to try several in turn")
				}
				*p = mapping.Person{Kind: customerio.ParseIdentifier(name), Value: r.program(n)}
			}})
	}
	return t
}()

func personRows() []yamltree.Row { return personKeys.rows() }

// personOf reads a program, which gives an id, or a map of one kind of identifier to a program. Where a field takes one
// kind only, the program gives that.
func (r *reader) personOf(f *customerio.Field) func(*yamltree.Node) mapping.Person {
	return func(node *yamltree.Node) (p mapping.Person) {
		if node.Kind != yamltree.Map {
			kind := customerio.ID
			if len(f.Identifiers) == 1 {
				kind = f.Identifiers[0]
			}
			return mapping.Person{Kind: kind, Value: r.program(node)}
		}
		if readMap(r, node, personKeys, &p) && p.Kind == 0 {
			r.fail(node, "names no identifier; want %s", choice.List(f.IdentifierNames()))
		}
		return p
	}
}
