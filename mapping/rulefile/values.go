package rulefile

import (
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/mapping"
)

// valuesRow is the row of attributes and data: a map of names to values, a program that gives an object, or a list of
// both.
var valuesRow = yamltree.Row{Form: yamltree.ExpressionOrMap, Many: yamltree.OneOrMany, Inside: namedValues}

// withMeaning is the row of whole objects for one kind of field.
func withMeaning(meaning, example string) yamltree.Row {
	row := valuesRow
	row.Meaning, row.Example = meaning, example
	return row
}

// namedValues is the row of a map whose keys are names that rules make up.
func namedValues() []yamltree.Row {
	return []yamltree.Row{{
		Meaning: "A name, and its value: an expression, a literal, or a map. A `!` behind the name says that the " +
			"call needs the value.",
		Example: ".plan",
		Form:    yamltree.ValueOrMap, Inside: fieldTable.rows}}
}

func readValues(r *reader, n *yamltree.Node, a *mapping.Action) {
	a.Fields = slices.Concat(oneOrList(r, n, r.values)...)
}

// values reads a program that gives an object, or a map of names to programs and literals; a ! behind a name says
// that the value is required. The map is read in the order
// of the names: tools on a rule file's way may reorder it.
func (r *reader) values(node *yamltree.Node) []mapping.Field {
	switch node.Kind {
	case yamltree.Map:
	case yamltree.Text:
		return []mapping.Field{{Value: r.program(node), Whole: true}}
	default:
		r.fail(node, "want a map of names to values, or an expression that gives an object, found %s", node.Describe())
		return nil
	}
	var out []mapping.Field
	named := map[string]bool{}
	r.entries(node, func(name string, keyNode, value *yamltree.Node) {
		if isProgram(name) {
			r.mistakes.Add(keyNode.Place, "%q is not a name: it looks like a part of an expression that YAML cut; "+
				"quote this expression", name)
			return
		}
		field := mapping.Field{}
		if value.Get("value") != nil {
			readMap(r, value, fieldTable, &field)
		} else {
			field.Value = r.value(value)
		}
		field.Name, field.Required = strings.CutSuffix(name, "!")
		if named[field.Name] {
			r.fail(keyNode, "%s is there with and without the !: leave one of them out", r.written(field.Name))
		}
		named[field.Name] = true
		out = append(out, field)
	})
	slices.SortFunc(out, func(a, b mapping.Field) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// fieldTable is what a field says of its value beside it.
var fieldTable = table[mapping.Field]{
	{yamltree.Row{Key: "value",
		Meaning: "The value: an expression or a literal.",
		Example: ".phone",
		Form:    yamltree.InValue, Required: true},
		func(r *reader, n *yamltree.Node, f *mapping.Field) { f.Value = r.value(n) }},
	{onInvalidRow,
		func(r *reader, n *yamltree.Node, f *mapping.Field) { f.OnInvalid = mapping.Policy(r.text(n)) }},
	{eraseRow, func(r *reader, n *yamltree.Node, f *mapping.Field) { f.Erase = oneOrList(r, n, r.nothing) }},
}

// onInvalidRow is the row of on_invalid, which a step and a field have.
var onInvalidRow = yamltree.Row{Key: "on_invalid",
	Meaning: "What becomes of a value that Customer.io would refuse or ignore. Left out, it is as the step, and then " +
		"the configuration says.",
	Example: "truncate",
	Form:    yamltree.InText,
	Choices: []string{string(mapping.DeadLetter), string(mapping.LeaveOut), string(mapping.Truncate)}}

// eraseRow is the row of erase, which a step and a field have.
var eraseRow = yamltree.Row{Key: "erase",
	Meaning: "What a value has to be for the attribute to be erased. `[]` beside a value says that nothing erases it.",
	Example: "[null, empty]",
	Form:    yamltree.InText, Many: yamltree.OneOrMany,
	Choices: []string{string(mapping.NullValue), string(mapping.EmptyValue)}}

// nothing reads a way in which a value can hold nothing. YAML takes the bare word null for one.
func (r *reader) nothing(n *yamltree.Node) mapping.Nothing {
	if n.Kind == yamltree.Null && n.Value == string(mapping.NullValue) {
		return mapping.NullValue
	}
	return mapping.Nothing(r.text(n))
}
