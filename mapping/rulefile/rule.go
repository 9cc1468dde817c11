package rulefile

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/mapping"
)

func (r *reader) rule(node ast.Node, at string) mapping.Rule {
	rule := mapping.Rule{Pos: r.pos(node)}
	mistakes := len(r.errs)
	r.fields(node, at, fields{
		"name":     func(n ast.Node, at string) { rule.Name = r.text(n, at) },
		"event":    func(n ast.Node, at string) { rule.Event = oneOrList(r, n, at, r.text) },
		"if":       func(n ast.Node, at string) { rule.If = r.program(n, at) },
		"require":  func(n ast.Node, at string) { rule.Require = oneOrList(r, n, at, r.program) },
		"do":       func(n ast.Node, at string) { rule.Do = list(r, n, at, r.action) },
		"time":     func(n ast.Node, at string) { rule.Time = r.program(n, at) },
		"id":       func(n ast.Node, at string) { rule.ID = r.program(n, at) },
		"id_scope": func(n ast.Node, at string) { rule.IDScope = r.text(n, at) },
	})
	for _, missing := range []struct {
		key   string
		found bool
	}{{"name", rule.Name != ""}, {"event", len(rule.Event) > 0}, {"do", len(rule.Do) > 0}} {
		if !missing.found && len(r.errs) == mistakes {
			r.fail(node, at, "needs %s", missing.key)
		}
	}
	return rule
}

func (r *reader) action(node ast.Node, at string) mapping.Action {
	a := mapping.Action{Pos: r.pos(node)}
	known := fields{
		"each": func(n ast.Node, at string) { a.Each = r.program(n, at) },
		"if":   func(n ast.Node, at string) { a.If = r.program(n, at) },
		"call": func(n ast.Node, at string) { a.Call = r.text(n, at) },
	}
	for _, action := range customerio.Actions() {
		known[action.Operation().Name] = func(n ast.Node, at string) {
			if a.Action != 0 {
				r.fail(n, at, "one action in each element of do; give %s an element of its own",
					action.Operation().Name)
				return
			}
			a.Action = action
			r.operation(n, at, &a)
		}
	}
	mistakes := len(r.errs)
	r.fields(node, at, known)
	if a.Action == 0 && len(r.errs) == mistakes {
		r.fail(node, at, "names no action; want %s", choice.List(actionNames()))
	}
	return a
}

func actionNames() []string {
	var names []string
	for _, action := range customerio.Actions() {
		names = append(names, action.Operation().Name)
	}
	slices.Sort(names)
	return names
}

// operation reads the fields of an action.
func (r *reader) operation(node ast.Node, at string, a *mapping.Action) {
	op := a.Action.Operation()
	known, given := fields{}, map[string]bool{}
	for i := range op.Fields {
		f := &op.Fields[i]
		known[f.Key] = func(n ast.Node, at string) { given[f.Key] = r.field(n, at, f.Kind, a) }
	}
	mistakes := len(r.errs)
	r.fields(node, at, known)
	if len(r.errs) > mistakes {
		return
	}
	for _, f := range op.Fields {
		if f.Required && !given[f.Key] {
			r.fail(node, at, "needs %s", f.Key)
		}
	}
}

// field reads one field of an action, and reports whether something stands there.
func (r *reader) field(n ast.Node, at string, kind customerio.FieldKind, a *mapping.Action) bool {
	switch kind {
	case customerio.PersonField:
		a.Person = oneOrList(r, n, at, r.person)
		return len(a.Person) > 0
	case customerio.NameField:
		a.Name = r.value(n, at)
		return !a.Name.IsZero()
	case customerio.AttributesField, customerio.DataField:
		a.Fields = r.values(n, at)
		return len(a.Fields) > 0
	case customerio.RemovalsField:
		a.Remove = oneOrList(r, n, at, r.text)
		return len(a.Remove) > 0
	}
	return false
}

// person reads a program, which gives an id, or a map of one kind of identifier to a program.
func (r *reader) person(node ast.Node, at string) mapping.Person {
	if _, isMap := node.(ast.MapNode); !isMap {
		return mapping.Person{Kind: customerio.ID, Value: r.program(node, at)}
	}
	var p mapping.Person
	known := fields{}
	for _, name := range customerio.Identifiers() {
		known[name] = func(n ast.Node, at string) {
			if p.Kind != 0 {
				r.fail(n, at, "a person is named by one identifier; write a list to try several in turn")
			}
			p = mapping.Person{Kind: customerio.ParseIdentifier(name), Value: r.program(n, at)}
		}
	}
	mistakes := len(r.errs)
	r.fields(node, at, known)
	if p.Kind == 0 && len(r.errs) == mistakes {
		r.fail(node, at, "names no identifier; want %s", choice.List(customerio.Identifiers()))
	}
	return p
}

// values reads a map of names to programs and literals, in the order of the names: tools on a rule file's way may
// reorder a map.
func (r *reader) values(node ast.Node, at string) []mapping.Field {
	var out []mapping.Field
	r.entries(node, at, func(name string, keyNode, value ast.Node) {
		if isProgram(name) {
			r.fail(keyNode, at, "%q is not a name: it looks like a part of an expression that YAML cut; quote this "+
				"expression", name)
			return
		}
		out = append(out, mapping.Field{Name: name, Value: r.value(value, join(at, name))})
	})
	slices.SortFunc(out, func(a, b mapping.Field) int { return strings.Compare(a.Name, b.Name) })
	return out
}
