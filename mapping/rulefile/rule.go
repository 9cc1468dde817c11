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

// actionFields names the keys of each action.
var actionFields = map[customerio.Action][]string{
	customerio.Identify: {"person", "attributes", "remove"},
	customerio.Track:    {"person", "name", "data"},
	customerio.Pageview: {"person", "name", "data"},
	customerio.Screen:   {"person", "name", "data"},
	customerio.Delete:   {"person"},
}

func (r *reader) action(node ast.Node, at string) mapping.Action {
	a := mapping.Action{Pos: r.pos(node)}
	known := fields{
		"each": func(n ast.Node, at string) { a.Each = r.program(n, at) },
		"if":   func(n ast.Node, at string) { a.If = r.program(n, at) },
		"call": func(n ast.Node, at string) { a.Call = r.text(n, at) },
	}
	for action := range actionFields {
		known[action.Operation().Name] = func(n ast.Node, at string) {
			if a.Action != 0 {
				r.fail(n, at, "one action in each element of do; give %s an element of its own", action.Operation().Name)
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
	for action := range actionFields {
		names = append(names, action.Operation().Name)
	}
	slices.Sort(names)
	return names
}

func (r *reader) operation(node ast.Node, at string, a *mapping.Action) {
	all := fields{
		"person":     func(n ast.Node, at string) { a.Person = oneOrList(r, n, at, r.person) },
		"name":       func(n ast.Node, at string) { a.Name = r.value(n, at) },
		"attributes": func(n ast.Node, at string) { a.Fields = r.values(n, at) },
		"data":       func(n ast.Node, at string) { a.Fields = r.values(n, at) },
		"remove":     func(n ast.Node, at string) { a.Remove = oneOrList(r, n, at, r.text) },
	}
	known := fields{}
	for _, key := range actionFields[a.Action] {
		known[key] = all[key]
	}
	mistakes := len(r.errs)
	r.fields(node, at, known)
	if len(r.errs) > mistakes {
		return
	}
	if len(a.Person) == 0 {
		r.fail(node, at, "needs person")
	}
	if a.Action.Operation().Event && a.Name.IsZero() {
		r.fail(node, at, "needs name")
	}
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

// values reads a map of names to programs and literals, in the order of the names: tools on a rule file's way may reorder a map.
func (r *reader) values(node ast.Node, at string) []mapping.Field {
	var out []mapping.Field
	r.entries(node, at, func(name string, keyNode, value ast.Node) {
		if isProgram(name) {
			r.fail(keyNode, at, "%q is not a name: it looks like a part of an expression that YAML cut; quote this expression", name)
			return
		}
		out = append(out, mapping.Field{Name: name, Value: r.value(value, join(at, name))})
	})
	slices.SortFunc(out, func(a, b mapping.Field) int { return strings.Compare(a.Name, b.Name) })
	return out
}
