package rulefile

import (
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/mapping"
)

// operandRow is the row of a field that package operand compiles.
func operandRow(f *customerio.Field) row[mapping.Action] {
	switch f.Kind {
	case customerio.ObjectField:
		return row[mapping.Action]{yamltree.Row{
			Meaning: "The object: its type, which is a number, and its id; or its cio_object_id.",
			Example: "{type: 1, id: .company.id}",
			Form:    yamltree.InnerMap, Inside: objectRows},
			func(r *reader, n *yamltree.Node, a *mapping.Action) { a.Object = r.object(n) }}
	case customerio.RelationshipsField:
		t, meaning, example := relationshipKeys(f), "The objects to which the person is related.",
			"{object: {type: 1, id: .company.id}, attributes: {role: .role}}"
		if len(f.Identifiers) > 0 {
			meaning, example = "The persons to whom the object is related.",
				"{person: "+personExample(f)+", attributes: {role: .role}}"
		}
		return row[mapping.Action]{yamltree.Row{Meaning: meaning, Example: example,
			Form: yamltree.InnerMap, Many: yamltree.OneOrMany, Inside: t.rows},
			func(r *reader, n *yamltree.Node, a *mapping.Action) {
				a.Relationships = oneOrList(r, n, func(n *yamltree.Node) mapping.Relationship {
					related := mapping.Relationship{Pos: n.Place}
					readMap(r, n, t, &related)
					return related
				})
			}}
	case customerio.TopicsField:
		return row[mapping.Action]{yamltree.Row{
			Meaning: "Subscription topics that the person wants or does not want: a map of names, such as topic_1, " +
				"to true or false. Other topics stay as they are.",
			Example: "{topic_1: .wants_news}",
			Form:    yamltree.InnerMap, Inside: namedValues},
			func(r *reader, n *yamltree.Node, a *mapping.Action) { a.Topics = r.topics(n) }}
	case customerio.UpdateOnlyField:
		return row[mapping.Action]{yamltree.Row{
			Meaning: "True where the call must not make a person: somebody who is not there is passed over.",
			Example: "true",
			Form:    yamltree.InValue},
			func(r *reader, n *yamltree.Node, a *mapping.Action) { a.UpdateOnly = r.value(n) }}
	}
	r := yamltree.Row{Meaning: sentence(f.Purpose), Example: f.Example, Form: yamltree.InValue, Choices: f.Choices}
	if f.Value.IsStructure() {
		r.Form = yamltree.InJSON
	}
	return row[mapping.Action]{r, func(r *reader, n *yamltree.Node, a *mapping.Action) {
		v := mapping.Value{Key: f.Key, Value: mapping.Term{Pos: n.Place}}
		if f.Value.IsStructure() {
			v.Node = r.node(n)
		} else {
			v.Value = r.value(n)
		}
		a.Values = append(a.Values, v)
	}}
}

var objectKeys = table[mapping.Object]{
	{yamltree.Row{Key: "type",
		Meaning: "The number of the object's type in Customer.io: an expression or a literal.",
		Example: "1",
		Form:    yamltree.InValue},
		func(r *reader, n *yamltree.Node, o *mapping.Object) { o.Type = r.value(n) }},
	{yamltree.Row{Key: "id",
		Meaning: "The object's id: an expression or a literal.",
		Example: ".company.id",
		Form:    yamltree.InValue},
		func(r *reader, n *yamltree.Node, o *mapping.Object) { o.ID = r.value(n) }},
	{yamltree.Row{Key: "cio_object_id",
		Meaning: "In place of type and id: what Customer.io itself calls an object that is there.",
		Example: ".company.cio_object_id",
		Form:    yamltree.InValue},
		func(r *reader, n *yamltree.Node, o *mapping.Object) { o.CioID = r.value(n) }},
}

func objectRows() []yamltree.Row { return objectKeys.rows() }

func (r *reader) object(n *yamltree.Node) mapping.Object {
	o := mapping.Object{Pos: n.Place}
	if readMap(r, n, objectKeys, &o) && o.IsZero() {
		r.fail(n, "names no object; want type and id, or cio_object_id")
	}
	return o
}

// relationshipKeys are the keys of a relationship: the side that it names, and what is said of both.
func relationshipKeys(f *customerio.Field) table[mapping.Relationship] {
	side := row[mapping.Relationship]{yamltree.Row{Key: "object",
		Meaning: "The object: its type and id, or its cio_object_id.",
		Example: "{type: 1, id: .company.id}",
		Form:    yamltree.InnerMap, Required: true, Inside: objectRows},
		func(r *reader, n *yamltree.Node, to *mapping.Relationship) { to.Object = r.object(n) }}
	if len(f.Identifiers) > 0 {
		person := &customerio.Field{Identifiers: f.Identifiers}
		side = row[mapping.Relationship]{yamltree.Row{Key: "person",
			Meaning: "The person: an expression that gives an id, or a map with the kind of the identifier. Of a " +
				"list the first that is present counts.",
			Example: personExample(person),
			Form:    yamltree.ExpressionOrMap, Many: yamltree.OneOrMany, Required: true, Inside: personRows},
			func(r *reader, n *yamltree.Node, to *mapping.Relationship) {
				to.Person = oneOrList(r, n, r.personOf(person))
			}}
	}
	return table[mapping.Relationship]{side,
		{yamltree.Row{Key: "each",
			Meaning: "There is one relationship for each output, which the expressions beside it read as `$item`.",
			Example: "'.teams[]'",
			Form:    yamltree.InExpression},
			func(r *reader, n *yamltree.Node, to *mapping.Relationship) { to.Each = r.program(n) }},
		{yamltree.Row{Key: "attributes",
			Meaning: "Attributes of the relationship: a map of names to values, an expression that gives an object, " +
				"or a list of both.",
			Example: "{role: .role}",
			Form:    yamltree.ExpressionOrMap, Many: yamltree.OneOrMany, Inside: relationshipAttributeRows},
			func(r *reader, n *yamltree.Node, to *mapping.Relationship) {
				to.Attributes = slices.Concat(oneOrList(r, n, r.relationshipAttributes)...)
			}},
	}
}

// personExample names a person by the first kind of identifier that a field takes.
func personExample(f *customerio.Field) string {
	kind := f.Identifiers[0].String()
	return "{" + kind + ": .user." + kind + "}"
}

func relationshipAttributeRows() []yamltree.Row {
	return []yamltree.Row{{
		Meaning: "A name, and its value: an expression or a literal. A `!` behind the name says that the call needs " +
			"the value.",
		Example: ".role", Form: yamltree.InValue}}
}

func (r *reader) relationshipAttributes(n *yamltree.Node) (out []mapping.RelationshipAttribute) {
	if n.Kind == yamltree.Text {
		return []mapping.RelationshipAttribute{{Value: r.program(n), Whole: true}}
	}
	if n.Kind != yamltree.Map {
		r.fail(n, "want a map of names to values, or an expression that gives an object, found %s", n.Describe())
		return nil
	}
	r.marked(n, func(name string, required bool, value mapping.Term) {
		out = append(out, mapping.RelationshipAttribute{Name: name, Required: required, Value: value})
	})
	return out
}

// marked visits a map of names to values in the order of the names. A name that ends in ! is of one that is required.
func (r *reader) marked(n *yamltree.Node, visit func(name string, required bool, value mapping.Term)) {
	type entry struct {
		name     string
		required bool
		value    mapping.Term
	}
	var entries []entry
	r.entries(n, func(key string, _, value *yamltree.Node) {
		name, required := strings.CutSuffix(key, "!")
		entries = append(entries, entry{name, required, r.value(value)})
	})
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	for _, e := range entries {
		visit(e.name, e.required, e.value)
	}
}

func (r *reader) topics(n *yamltree.Node) []mapping.Field {
	if n.Kind != yamltree.Map {
		r.fail(n, "want a map of topics, such as topic_1, to true or false, found %s", n.Describe())
		return nil
	}
	return r.values(n)
}
