package rulefile

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/ruletest"
)

func (r *reader) test(node ast.Node, at string) ruletest.Test {
	t := ruletest.Test{Pos: r.pos(node)}
	mistakes, wants := len(r.errs), false
	r.fields(node, at, fields{
		"name":  func(n ast.Node, at string) { t.Name = r.text(n, at) },
		"given": func(n ast.Node, at string) { t.Given = r.given(n, at) },
		"want":  func(n ast.Node, at string) { wants, t.Want = true, oneOrList(r, n, at, r.want) },
	})
	if len(r.errs) > mistakes {
		return t
	}
	if t.Name == "" || (t.Given.Event != "" || t.Given.NoValue) == (t.Given.File != "") || !wants {
		r.fail(node, at, "a test needs name, want, and given with either event or file")
	}
	return t
}

func (r *reader) given(node ast.Node, at string) (g ruletest.Given) {
	r.fields(node, at, fields{
		"event": func(n ast.Node, at string) {
			switch n.(type) {
			case ast.MapNode:
				g.Event = r.json(n, at)
			case *ast.NullNode:
				g.NoValue = true
			default:
				g.Event = r.text(n, at)
			}
		},
		"file":    func(n ast.Node, at string) { g.File = r.text(n, at) },
		"topic":   func(n ast.Node, at string) { g.Topic = r.text(n, at) },
		"key":     func(n ast.Node, at string) { g.Key = r.text(n, at) },
		"headers": func(n ast.Node, at string) { g.Headers = r.headers(n, at) },
		"time":    func(n ast.Node, at string) { g.Time = r.text(n, at) },
	})
	return g
}

func (r *reader) headers(node ast.Node, at string) (out []mapping.Field) {
	r.entries(node, at, func(name string, _, value ast.Node) {
		out = append(out, mapping.Field{Name: name, Value: mapping.Term{Literal: r.text(value, join(at, name))}})
	})
	return out
}

func (r *reader) want(node ast.Node, at string) (w ruletest.Want) {
	known := fields{"dead_letter": func(n ast.Node, at string) {
		w.DeadLetter = event.Reason(r.text(n, at))
		if !slices.Contains(event.Reasons(), w.DeadLetter) {
			r.fail(n, at, "no reason %q%s", w.DeadLetter, choice.Near(string(w.DeadLetter), reasonNames()))
		}
	}}
	for _, action := range actionNames() {
		known[action] = func(n ast.Node, at string) {
			w.Action = action
			w.Call = "{}"
			if _, isNull := n.(*ast.NullNode); !isNull {
				w.Call = r.json(n, at)
			}
		}
	}
	mistakes := len(r.errs)
	r.fields(node, at, known)
	if len(r.errs) == mistakes && (w.Action == "") == (w.DeadLetter == "") {
		r.fail(node, at, "want one action or dead_letter in each element")
	}
	return w
}

func reasonNames() (names []string) {
	for _, reason := range event.Reasons() {
		names = append(names, string(reason))
	}
	return names
}

// json writes YAML as JSON: numbers keep their digits, and strings are those that every YAML parser sees.
func (r *reader) json(node ast.Node, at string) string {
	switch n := node.(type) {
	case *ast.NullNode:
		return "null"
	case *ast.BoolNode:
		return jsontext.Of(n.Value)
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return r.number(node, at)
	case *ast.StringNode, *ast.LiteralNode:
		return jsontext.Of(r.text(node, at))
	case *ast.SequenceNode:
		return "[" + strings.Join(list(r, node, at, r.json), ",") + "]"
	case ast.MapNode:
		var members []string
		r.entries(node, at, func(key string, _, value ast.Node) {
			members = append(members, jsontext.Of(key)+":"+r.json(value, join(at, key)))
		})
		return "{" + strings.Join(members, ",") + "}"
	}
	r.unusual(node, at)
	return "null"
}
