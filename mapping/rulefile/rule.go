package rulefile

import (
	"slices"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/mapping"
)

// ruleKeys are the keys of a rule. It is set when the program starts, since a rule's keys hold keys of steps.
var ruleKeys = table[mapping.Rule]{
	{yamltree.Row{Key: "name", Form: yamltree.InText, Required: true},
		func(r *reader, n *yamltree.Node, rule *mapping.Rule) { rule.Name = r.text(n) }},
	{yamltree.Row{Key: "event", Form: yamltree.InText, Many: yamltree.OneOrMany, Required: true},
		func(r *reader, n *yamltree.Node, rule *mapping.Rule) {
			rule.EventPos, rule.Event = n.Place, oneOrList(r, n, r.text)
		}},
	{yamltree.Row{Key: "if", Form: yamltree.InExpression},
		func(r *reader, n *yamltree.Node, rule *mapping.Rule) { rule.If = r.program(n) }},
	{yamltree.Row{Key: "require", Form: yamltree.InExpression, Many: yamltree.OneOrMany},
		func(r *reader, n *yamltree.Node, rule *mapping.Rule) { rule.Require = oneOrList(r, n, r.program) }},
	{yamltree.Row{Key: "do", Form: yamltree.InnerMap, Many: yamltree.ListOf, Required: true, Inside: stepRows},
		func(r *reader, n *yamltree.Node, rule *mapping.Rule) { rule.Do = list(r, n, r.action) }},
	{yamltree.Row{Key: "time", Form: yamltree.InExpression},
		func(r *reader, n *yamltree.Node, rule *mapping.Rule) { rule.Time = r.program(n) }},
	{yamltree.Row{Key: "id", Form: yamltree.InExpression},
		func(r *reader, n *yamltree.Node, rule *mapping.Rule) { rule.ID = r.program(n) }},
	{yamltree.Row{Key: "id_scope", Form: yamltree.InText},
		func(r *reader, n *yamltree.Node, rule *mapping.Rule) { rule.IDScope = r.text(n) }},
}

func (r *reader) rule(node *yamltree.Node) mapping.Rule {
	rule := mapping.Rule{Pos: node.Place}
	before := r.mistakes.Len()
	if !readMap(r, node, ruleKeys, &rule) || r.mistakes.Len() > before {
		return rule
	}
	for _, empty := range []struct {
		key string
		is  bool
	}{{"name", rule.Name == ""}, {"event", len(rule.Event) == 0}, {"do", len(rule.Do) == 0}} {
		if empty.is {
			r.fail(node.Get(empty.key), "is empty")
		}
	}
	return rule
}

// stepKeys are the keys of a step beside the action's own.
var stepKeys = table[mapping.Action]{
	{yamltree.Row{Key: "each", Form: yamltree.InExpression},
		func(r *reader, n *yamltree.Node, a *mapping.Action) { a.Each = r.program(n) }},
	{yamltree.Row{Key: "if", Form: yamltree.InExpression},
		func(r *reader, n *yamltree.Node, a *mapping.Action) { a.If = r.program(n) }},
	{yamltree.Row{Key: "call", Form: yamltree.InText},
		func(r *reader, n *yamltree.Node, a *mapping.Action) { a.Call = r.text(n) }},
	{onInvalidRow,
		func(r *reader, n *yamltree.Node, a *mapping.Action) { a.OnInvalid = mapping.Policy(r.text(n)) }},
	{eraseRow, func(r *reader, n *yamltree.Node, a *mapping.Action) { a.Erase = oneOrList(r, n, r.nothing) }},
}

// stepTable has a step's keys and a key for each action.
var stepTable = slices.Concat(stepKeys, actionKeys())

func stepRows() []yamltree.Row { return slices.Concat(stepKeys, actionKeys()).rows() }

func actionKeys() table[mapping.Action] {
	var t table[mapping.Action]
	for _, action := range customerio.Actions() {
		name, fields := action.Operation().Name, fieldKeys(action.Operation())
		t = append(t, row[mapping.Action]{
			yamltree.Row{Key: name, Form: yamltree.InnerMap, Inside: fields.rows},
			func(r *reader, n *yamltree.Node, a *mapping.Action) {
				if a.Action != 0 {
					r.fail(n, "one action in each element of do; give %s an element of its own", name)
					return
				}
				a.Action = action
				readMap(r, n, fields, a)
			},
		})
	}
	return t
}

func (r *reader) action(node *yamltree.Node) mapping.Action {
	a := mapping.Action{Pos: node.Place}
	if readMap(r, node, stepTable, &a) && a.Action == 0 {
		r.fail(node, "names no action; want %s", choice.List(actionNames()))
	}
	return a
}

func actionNames() []string { return actionKeys().keys() }

// fieldKeys are the keys of an action.
func fieldKeys(op *customerio.Operation) table[mapping.Action] {
	var t table[mapping.Action]
	for i := range op.Fields {
		f := &op.Fields[i]
		row := fieldKinds[f.Kind]
		row.Key, row.Required = f.Key, f.Required
		t = append(t, row)
	}
	return t
}

// fieldKinds are the fields that actions have. What stands in a required one is looked at when it is compiled.
var fieldKinds = map[customerio.FieldKind]row[mapping.Action]{
	customerio.PersonField: {yamltree.Row{Form: yamltree.InExpression, Many: yamltree.OneOrMany, Inside: personRows},
		func(r *reader, n *yamltree.Node, a *mapping.Action) { a.Person = oneOrList(r, n, r.person) }},
	customerio.NameField: {yamltree.Row{Form: yamltree.InValue},
		func(r *reader, n *yamltree.Node, a *mapping.Action) { a.Name = r.value(n) }},
	customerio.AttributesField: {valuesRow, readValues},
	customerio.DataField:       {valuesRow, readValues},
	customerio.ExceptField: {yamltree.Row{Form: yamltree.InText, Many: yamltree.OneOrMany},
		func(r *reader, n *yamltree.Node, a *mapping.Action) { a.Except = oneOrList(r, n, r.text) }},
	customerio.TimestampField: {yamltree.Row{Form: yamltree.InValue},
		func(r *reader, n *yamltree.Node, a *mapping.Action) { a.Timestamp = r.value(n) }},
	customerio.RemovalsField: {yamltree.Row{Form: yamltree.InText, Many: yamltree.OneOrMany},
		func(r *reader, n *yamltree.Node, a *mapping.Action) { a.Remove = oneOrList(r, n, r.text) }},
}

// personKeys are the kinds of identifiers.
var personKeys = func() table[mapping.Person] {
	var t table[mapping.Person]
	for _, name := range customerio.Identifiers() {
		t = append(t, row[mapping.Person]{yamltree.Row{Key: name, Form: yamltree.InExpression},
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

// person reads a program, which gives an id, or a map of one kind of identifier to a program.
func (r *reader) person(node *yamltree.Node) (p mapping.Person) {
	if node.Kind != yamltree.Map {
		return mapping.Person{Kind: customerio.ID, Value: r.program(node)}
	}
	if readMap(r, node, personKeys, &p) && p.Kind == 0 {
		r.fail(node, "names no identifier; want %s", choice.List(customerio.Identifiers()))
	}
	return p
}
