package expr

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/expr/jq"
	"github.com/ciobridge/ciobridge/mapping/expr/syntax"
)

// fastCompiler turns the syntax tree of a program into an expr. Its methods give nil for what does not run on raw
// bytes.
type fastCompiler struct{ vars []string }

// incoming says what is known of the value that comes in: a place in the document, or nothing.
type incoming struct {
	known bool
	steps []document.Step
}

func (in incoming) expr() *expr {
	if in.known {
		return &expr{op: opPath, steps: in.steps}
	}
	return &expr{op: opInput}
}

// single is query for places where more than one output would mean a product of outputs.
func (c *fastCompiler) single(q *gojq.Query, in incoming) *expr {
	if e := c.query(q, in); e != nil && !e.several {
		return e
	}
	return nil
}

func (c *fastCompiler) query(q *gojq.Query, in incoming) *expr {
	if q.Meta != nil || len(q.Imports)+len(q.FuncDefs)+len(q.Patterns) > 0 {
		return nil
	}
	if q.Term != nil {
		return c.term(q.Term, in)
	}
	switch q.Op {
	case gojq.OpPipe:
		return c.pipe(q, in)
	case gojq.OpAnd:
		return operands(opAnd, c.single(q.Left, in), c.single(q.Right, in))
	case gojq.OpOr:
		return operands(opOr, c.single(q.Left, in), c.single(q.Right, in))
	case gojq.OpAlt:
		return operands(opAlt, c.single(q.Left, in), c.single(q.Right, in))
	}
	if holds := jq.Comparisons[q.Op]; holds != 0 {
		return comparison(holds, c.compared(q.Left, in), c.compared(q.Right, in))
	}
	return nil
}

// comparison is a comparison, with a constant where one side is a number or a string.
func comparison(holds jq.Orders, l, r *expr) *expr {
	if l == nil || r == nil {
		return nil
	}
	constant := func(e *expr) bool { return e.op == opLiteral && (e.lit.Kind == Number || e.lit.Kind == String) }
	switch {
	case constant(r):
		return &expr{op: opCompareTo, holds: holds, l: l, right: newConstant(r.lit)}
	case constant(l):
		return &expr{op: opCompareTo, holds: holds.Mirrored(), l: r, right: newConstant(l.lit)}
	}
	return &expr{op: opCompare, holds: holds, l: l, r: r}
}

func (c *fastCompiler) pipe(q *gojq.Query, in incoming) *expr {
	l := c.query(q.Left, in)
	if l == nil {
		return nil
	}
	next := incoming{}
	if l.op == opPath {
		next = incoming{true, l.steps}
	}
	r := c.query(q.Right, next)
	if r == nil {
		return nil
	}
	if l.op == opPath && r.op == opPath {
		return r // it goes through l, so that it fails where l fails
	}
	return &expr{op: opPipe, l: l, r: r, several: l.several || r.several}
}

func operands(o op, l, r *expr) *expr {
	if l == nil || r == nil {
		return nil
	}
	return &expr{op: o, l: l, r: r}
}

// compared is single for a side of a comparison. There 100.0 may stand as 100: below 2^53 it compares alike.
func (c *fastCompiler) compared(q *gojq.Query, in incoming) *expr {
	if text, ok := syntax.LiteralNumber(q.Term); ok {
		if f, err := strconv.ParseFloat(text, 64); err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			return &expr{op: opLiteral, lit: Value{Kind: Number, Raw: strconv.AppendInt(nil, int64(f), 10)}}
		}
	}
	return c.single(q, in)
}

func (c *fastCompiler) term(t *gojq.Term, in incoming) *expr {
	e := c.bare(t, in)
	for i, s := range t.SuffixList {
		if e == nil {
			return nil
		}
		switch {
		case s.Index != nil:
			e = index(e, s.Index)
		case s.Iter:
			e = &expr{op: opIter, l: e, several: true}
		case s.Optional:
			e = optional(e, i > 0 && !t.SuffixList[i-1].Optional)
		}
	}
	return e
}

// optional is what the question mark makes of e: it covers the last step or [] alone where one was written before it,
// else all of e.
func optional(e *expr, last bool) *expr {
	switch {
	case last && e.op == opPath:
		n := len(e.steps) - 1
		return &expr{op: opTryStep, l: &expr{op: opPath, steps: e.steps[:n]}, step: e.steps[n]}
	case last && e.op == opStep:
		return &expr{op: opTryStep, l: e.l, step: e.step, several: e.several}
	case last && e.op == opIter:
		return &expr{op: opTryIter, l: e.l, several: true}
	case e.several:
		return nil
	}
	return &expr{op: opTry, l: e}
}

// bare is a term without its suffixes.
func (c *fastCompiler) bare(t *gojq.Term, in incoming) *expr {
	switch t.Type {
	case gojq.TermTypeIdentity:
		return in.expr()
	case gojq.TermTypeIndex:
		return index(in.expr(), t.Index)
	case gojq.TermTypeQuery:
		return c.query(t.Query, in)
	case gojq.TermTypeNull:
		return &expr{op: opLiteral, lit: document.NullValue}
	case gojq.TermTypeTrue:
		return &expr{op: opLiteral, lit: boolean(true)}
	case gojq.TermTypeFalse:
		return &expr{op: opLiteral, lit: boolean(false)}
	case gojq.TermTypeNumber, gojq.TermTypeUnary:
		bare := *t
		bare.SuffixList = nil
		if text, ok := syntax.LiteralNumber(&bare); ok {
			return numberLiteral(text)
		}
	case gojq.TermTypeString:
		return c.text(t.Str, in)
	case gojq.TermTypeObject:
		return c.object(t.Object, in)
	case gojq.TermTypeArray:
		return c.array(t.Array, in)
	case gojq.TermTypeIf:
		return c.branch(t.If, in)
	case gojq.TermTypeFunc:
		return c.function(t.Func, in)
	}
	return nil
}

// numberLiteral gives the literal as gojq would write it. It gives nil for the few that are not read back as the
// number they are, such as 100.0, which gojq holds as a fraction but writes as an integer.
func numberLiteral(text string) *expr {
	out := []byte(text)
	if strings.ContainsAny(text, ".eE") {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil
		}
		if out, err = gojq.Marshal(f); err != nil || !strings.ContainsAny(string(out), ".eE") {
			return nil
		}
	} else if !json.Valid(out) || text == "-0" {
		return nil
	}
	return &expr{op: opLiteral, lit: Value{Kind: Number, Raw: out}}
}

// index adds one step to e, or gives nil for a slice or an index that is not a constant.
func index(e *expr, x *gojq.Index) *expr {
	st, ok := syntax.ConstantStep(x)
	if !ok {
		return nil
	}
	if e.op == opPath {
		return &expr{op: opPath, steps: append(slices.Clone(e.steps), st)}
	}
	return &expr{op: opStep, l: e, step: st, several: e.several}
}
