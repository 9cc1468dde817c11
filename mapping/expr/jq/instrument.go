package jq

import (
	"strconv"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/mapping/expr/syntax"
)

// Gojq looks at its context between instructions, but one instruction can be one call that works for hours or takes
// all memory: "x" * 1e9, .[1e8] = 0, two long arrays subtracted, a value that holds itself twice forty times over and
// is then written out. instrumented puts a step before each such call and each such instruction that pays for it, and
// functions that pay for the operators + - and *. It changes nothing else: the steps hand on what they are given, or
// fail.

const rightVar = "$__right"

func instrumented(q *gojq.Query) *gojq.Query {
	v := &syntax.Visitor{Query: instrumentOperator}
	v.Term = func(t *gojq.Term) { instrumentTerm(t, v) }
	v.Part = func(q *gojq.Query, parts int) {
		syntax.Replace(q, syntax.Group(syntax.Pipe(syntax.Clone(q), syntax.Call(partStep, syntax.Number(parts)))))
	}
	v.Key = func(q *gojq.Query) { syntax.Replace(q, before(syntax.Clone(q), keyStep)) }
	v.Visit(q)
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
		syntax.Replace(q, syntax.Call(operatorNames[q.Op], q.Left, q.Right))
	case gojq.OpAssign:
		syntax.Replace(q, syntax.Call("_assign", q.Left, q.Right))
	case gojq.OpModify:
		syntax.Replace(q, syntax.Call("_modify", q.Left, q.Right))
	}
	if op := updates[q.Op]; op != 0 {
		instrumentUpdate(q, op)
	}
}

var updates = map[gojq.Operator]gojq.Operator{
	gojq.OpUpdateAdd: gojq.OpAdd, gojq.OpUpdateSub: gojq.OpSub, gojq.OpUpdateMul: gojq.OpMul,
	gojq.OpUpdateDiv: gojq.OpDiv, gojq.OpUpdateMod: gojq.OpMod, gojq.OpUpdateAlt: gojq.OpAlt,
}

// instrumentUpdate makes r as $right | _modify(l; . op $right) of l op= r, which is how gojq defines it.
func instrumentUpdate(q *gojq.Query, op gojq.Operator) {
	update := &gojq.Query{Left: syntax.Identity(), Op: op, Right: syntax.Call(rightVar)}
	instrumentOperator(update)
	syntax.Replace(q, syntax.Group(syntax.Bind(q.Right, rightVar, syntax.Call("_modify", q.Left, update))))
}

// instrumentTerm puts steps before what the term is, and before those of its suffixes that need one.
func instrumentTerm(t *gojq.Term, v *syntax.Visitor) {
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
	return gojq.Term{Type: gojq.TermTypeQuery, Query: syntax.Pipe(&gojq.Query{Term: &t}, syntax.Call(step)),
		SuffixList: []*gojq.Suffix{s}}
}

// indexNeedsStep reports whether an index is no constant key. A computed one gets a step of its own.
func indexNeedsStep(x *gojq.Index) bool {
	if st, ok := syntax.ConstantStep(x); ok || x.Str != nil {
		return ok && !st.Key
	}
	if !x.IsSlice {
		x.Start = before(x.Start, keyStep)
	}
	return true
}

// instrumentBare gives a term without suffixes with a step before it, or nil where it needs none.
func instrumentBare(t *gojq.Term, v *syntax.Visitor) *gojq.Query {
	self := &gojq.Query{Term: t}
	switch {
	case t.Type == gojq.TermTypeRecurse:
		return syntax.Call("recurse")
	case t.Type == gojq.TermTypeFormat && t.Str == nil:
		return syntax.Pipe(syntax.Call(writeStep), self)
	case t.Type != gojq.TermTypeFunc:
		return nil
	}
	name := syntax.Signature(t.Func.Name, len(t.Func.Args))
	switch {
	case v.Defined(name):
		return nil
	case name == "path/1":
		return syntax.Pipe(self, syntax.Call(pathStep))
	case costs[name] == nil:
		return nil
	}
	return instrumentCall(t.Func)
}

// instrumentCall makes a as $1 | cost(f; $1) | f($1) of f(a). The last argument is evaluated first, as gojq does.
func instrumentCall(f *gojq.Func) *gojq.Query {
	if perElement[f.Name] {
		return syntax.Pipe(syntax.Call(costOf(f.Name)), syntax.Call(f.Name, f.Args...))
	}
	var args []*gojq.Query
	for i, arg := range f.Args {
		if syntax.IsConstant(arg) {
			args = append(args, arg)
		} else {
			args = append(args, syntax.Call("$__"+strconv.Itoa(i)))
		}
	}
	out := syntax.Pipe(syntax.Call(costOf(f.Name), args...), syntax.Call(f.Name, args...))
	for i, arg := range f.Args {
		if args[i] != arg {
			out = syntax.Bind(arg, "$__"+strconv.Itoa(i), out)
		}
	}
	return syntax.Group(out)
}

// perElement are the functions in costs whose argument is run for each element, so that it is no value.
var perElement = map[string]bool{"map": true, "any": true, "all": true, "with_entries": true}

func before(q *gojq.Query, check string) *gojq.Query {
	if syntax.IsConstant(q) {
		return q
	}
	return syntax.Pipe(syntax.Group(q), syntax.Call(check))
}
