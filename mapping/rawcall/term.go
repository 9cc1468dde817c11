package rawcall

import (
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/operand"
)

// term is a program, or a literal where prog is nil.
type term struct {
	where   string
	prog    *expr.Program
	literal expr.Value
}

func (c *compiler) term(t operand.Term, where string) term {
	out := term{where: where}
	if t.Program != "" {
		out.prog = c.Program(t, c.Where+"."+where, c.Vars...)
		return out
	}
	out.literal = literal(t.Literal)
	return out
}

func literal(text string) expr.Value {
	kinds := map[byte]expr.Kind{'"': expr.String, 't': expr.True, 'f': expr.False, '{': expr.Object, '[': expr.Array}
	if text == "" {
		return expr.Value{}
	}
	kind, ok := kinds[text[0]]
	if !ok {
		kind = expr.Number
	}
	return expr.Value{Kind: kind, Raw: []byte(text)}
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
