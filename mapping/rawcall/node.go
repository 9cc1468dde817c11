package rawcall

import (
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/operand"
)

// node is a compiled value of a body.
type node struct {
	term
	members  []member
	elements []node
	isObject bool
	isList   bool
}

type member struct {
	name, where string
	value       node
	required    bool
}

func (n *node) isZero() bool {
	return !n.isObject && !n.isList && n.prog == nil && n.literal.Raw == nil
}

// append appends the value as JSON. One that is absent or null is not there.
func (n *node) append(dst []byte, w *operand.Writer) (out []byte, there bool, p *operand.Problem) {
	switch {
	case n.isObject:
		return n.appendObject(dst, w)
	case n.isList:
		return n.appendList(dst, w)
	}
	v, p := n.value(w)
	if p != nil || n.prog != nil && absent(v) {
		return dst, false, p
	}
	return append(dst, v.Raw...), true, nil
}

func (n *node) appendObject(dst []byte, w *operand.Writer) ([]byte, bool, *operand.Problem) {
	dst = append(dst, '{')
	first := true
	for i := range n.members {
		m := &n.members[i]
		before := len(dst)
		if !first {
			dst = append(dst, ',')
		}
		dst = append(jsontext.AppendString(dst, []byte(m.name)), ':')
		var there bool
		var p *operand.Problem
		switch dst, there, p = m.value.append(dst, w); {
		case p != nil:
			return dst, false, p
		case there:
			first = false
		case m.required:
			return dst, false, &operand.Problem{Reason: event.ReasonMissingField, Field: m.where, Prog: m.value.prog,
				Detail: "is absent or null"}
		default:
			dst = dst[:before]
		}
	}
	return append(dst, '}'), true, nil
}

func (n *node) appendList(dst []byte, w *operand.Writer) ([]byte, bool, *operand.Problem) {
	dst = append(dst, '[')
	for i := range n.elements {
		before := len(dst)
		if dst[before-1] != '[' {
			dst = append(dst, ',')
		}
		var there bool
		var p *operand.Problem
		if dst, there, p = n.elements[i].append(dst, w); p != nil {
			return dst, false, p
		}
		if !there {
			dst = dst[:before]
		}
	}
	return append(dst, ']'), true, nil
}

func (t *term) value(w *operand.Writer) (expr.Value, *operand.Problem) {
	if t.prog == nil {
		return t.literal, nil
	}
	v, err := t.prog.One(w.Doc)
	if err != nil {
		return expr.Value{}, &operand.Problem{Field: t.where, Prog: t.prog, Err: err}
	}
	return v, nil
}

func (t *term) problem(reason event.Reason, what string) *operand.Problem {
	return &operand.Problem{Reason: reason, Field: t.where, Prog: t.prog, Detail: what}
}

// absent reports whether a value leaves its place empty.
func absent(v expr.Value) bool { return v.Kind <= expr.Null }

// text is a value as it stands in a path, a query, a header or a form.
func text(v expr.Value) (value, what string) {
	switch v.Kind {
	case expr.String:
		return string(v.AppendString(nil)), ""
	case expr.Number, expr.True, expr.False:
		return string(v.Raw), ""
	}
	return "", "is " + document.Article(v.Kind) + "; want a text or a number"
}
