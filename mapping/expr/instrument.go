package expr

import (
	"strconv"

	"github.com/itchyny/gojq"
)

// Gojq looks at its context between instructions, but one instruction can be one call that works for hours or takes all memory:
// "x" * 1e9, .[1e8] = 0, two long arrays subtracted, a value that holds itself twice forty times over and is then written out. instrumented
// puts a step before each such call and each such instruction that pays for it, and functions that pay for the operators + - and *. It
// changes nothing else: the steps hand on what they are given, or fail.

const rightVar = "$__right"

func instrumented(q *gojq.Query) *gojq.Query {
	v := &visitor{query: instrumentOperator}
	v.term = func(t *gojq.Term) { instrumentTerm(t, v) }
	v.part = func(q *gojq.Query, parts int) {
		replace(q, group(pipe(clone(q), call(partStep, constantNumber(parts)))))
	}
	v.key = func(q *gojq.Query) { replace(q, before(clone(q), keyStep)) }
	v.visit(q)
	return q
}

func instrumentOperator(q *gojq.Query) {
	if q.Term != nil || len(q.Patterns) > 0 {
		return
	}
	switch q.Op {
	case gojq.OpEq, gojq.OpNe, gojq.OpLt, gojq.OpLe, gojq.OpGt, gojq.OpGe:
		q.Left, q.Right = before(q.Left, treeStep), before(q.Right, treeStep)
	case gojq.OpDiv:
		q.Left = before(q.Left, splitStep)
	case gojq.OpAdd, gojq.OpSub, gojq.OpMul:
		replace(q, call(operatorNames[q.Op], q.Left, q.Right))
	case gojq.OpAssign:
		replace(q, call("_assign", q.Left, q.Right))
	case gojq.OpModify:
		replace(q, call("_modify", q.Left, q.Right))
	}
	if op := updates[q.Op]; op != 0 {
		instrumentUpdate(q, op)
	}
}

var updates = map[gojq.Operator]gojq.Operator{
	gojq.OpUpdateAdd: gojq.OpAdd, gojq.OpUpdateSub: gojq.OpSub, gojq.OpUpdateMul: gojq.OpMul,
	gojq.OpUpdateDiv: gojq.OpDiv, gojq.OpUpdateMod: gojq.OpMod, gojq.OpUpdateAlt: gojq.OpAlt,
}

// isConstant reports whether q is nothing but a number or a string.
func isConstant(q *gojq.Query) bool {
	t := q.Term
	return t != nil && len(q.FuncDefs) == 0 && len(t.SuffixList) == 0 && (t.Type == gojq.TermTypeNumber || t.Type == gojq.TermTypeString && t.Str.Queries == nil)
}

// instrumentUpdate makes r as $right | _modify(l; . op $right) of l op= r, which is how gojq defines it.
func instrumentUpdate(q *gojq.Query, op gojq.Operator) {
	update := &gojq.Query{Left: identity(), Op: op, Right: call(rightVar)}
	instrumentOperator(update)
	replace(q, group(bind(q.Right, rightVar, call("_modify", q.Left, update))))
}

// instrumentTerm puts steps before what the term is, and before those of its suffixes that need one.
func instrumentTerm(t *gojq.Term, v *visitor) {
	bare := *t
	bare.SuffixList = nil
	out := bare
	if t.Type == gojq.TermTypeIndex && indexNeedsStep(t.Index) {
		out = gojq.Term{Type: gojq.TermTypeIdentity}
		out = stepped(out, indexStep, &gojq.Suffix{Index: t.Index})
	} else if self := instrumentBare(&bare, v); self != nil {
		out = gojq.Term{Type: gojq.TermTypeQuery, Query: self}
	}
	for _, s := range t.SuffixList {
		switch {
		case s.Iter:
			out = stepped(out, eachStep, s)
		case s.Index != nil && indexNeedsStep(s.Index):
			out = stepped(out, indexStep, s)
		default:
			out.SuffixList = append(out.SuffixList, s)
		}
	}
	*t = out
}

func stepped(t gojq.Term, step string, s *gojq.Suffix) gojq.Term {
	return gojq.Term{Type: gojq.TermTypeQuery, Query: pipe(&gojq.Query{Term: &t}, call(step)), SuffixList: []*gojq.Suffix{s}}
}

// indexNeedsStep reports whether an index is no constant key. A computed one gets a step of its own.
func indexNeedsStep(x *gojq.Index) bool {
	if st, ok := constantStep(x); ok || x.Str != nil {
		return ok && !st.key
	}
	if !x.IsSlice {
		x.Start = before(x.Start, keyStep)
	}
	return true
}

// instrumentBare gives a term without suffixes with a step before it, or nil where it needs none.
func instrumentBare(t *gojq.Term, v *visitor) *gojq.Query {
	self := &gojq.Query{Term: t}
	switch {
	case t.Type == gojq.TermTypeRecurse:
		return call("recurse")
	case t.Type == gojq.TermTypeFormat && t.Str == nil:
		return pipe(call(writeStep), self)
	case t.Type != gojq.TermTypeFunc:
		return nil
	}
	name := signature(t.Func.Name, len(t.Func.Args))
	switch {
	case v.defined(name):
		return nil
	case name == "path/1":
		return pipe(self, call(pathStep))
	case costs[name] == nil:
		return nil
	}
	return instrumentCall(t.Func)
}

// instrumentCall makes a as $1 | cost(f; $1) | f($1) of f(a). The last argument is evaluated first, as gojq does.
func instrumentCall(f *gojq.Func) *gojq.Query {
	if perElement[f.Name] {
		return pipe(call(costOf(f.Name)), call(f.Name, f.Args...))
	}
	var args []*gojq.Query
	for i, arg := range f.Args {
		if isConstant(arg) {
			args = append(args, arg)
		} else {
			args = append(args, call("$__"+strconv.Itoa(i)))
		}
	}
	out := pipe(call(costOf(f.Name), args...), call(f.Name, args...))
	for i, arg := range f.Args {
		if args[i] != arg {
			out = bind(arg, "$__"+strconv.Itoa(i), out)
		}
	}
	return group(out)
}

// perElement are the functions in costs whose argument is run for each element, so that it is no value.
var perElement = map[string]bool{"map": true, "any": true, "all": true, "with_entries": true}

func before(q *gojq.Query, check string) *gojq.Query {
	if isConstant(q) {
		return q
	}
	return pipe(group(q), call(check))
}

func constantNumber(n int) *gojq.Query {
	return &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeNumber, Number: strconv.Itoa(n)}}
}

func identity() *gojq.Query { return &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeIdentity}} }

func call(name string, args ...*gojq.Query) *gojq.Query {
	return &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: name, Args: args}}}
}

func group(q *gojq.Query) *gojq.Query {
	return &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeQuery, Query: q}}
}

func pipe(first *gojq.Query, rest ...*gojq.Query) *gojq.Query {
	if len(rest) == 0 {
		return first
	}
	return &gojq.Query{Left: first, Op: gojq.OpPipe, Right: pipe(rest[0], rest[1:]...)}
}

func bind(value *gojq.Query, name string, body *gojq.Query) *gojq.Query {
	return &gojq.Query{Left: value, Op: gojq.OpPipe, Patterns: []*gojq.Pattern{{Name: name}}, Right: body}
}

// clone gives q without the functions that are defined before it, which replace leaves in their place.
func clone(q *gojq.Query) *gojq.Query {
	c := *q
	c.FuncDefs = nil
	return &c
}

func replace(q, with *gojq.Query) {
	defs := q.FuncDefs
	*q = *with
	q.FuncDefs = defs
}
