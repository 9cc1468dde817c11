package expr

import "github.com/itchyny/gojq"

// Gojq looks at its context between instructions, but one instruction can be one call that works for hours or takes all memory:
// "x" * 1e9, .[1e8] = 0, two long arrays subtracted, a value that holds itself twice forty times over and is then written out. guarded
// puts a measuring step before each such call, and functions that measure for the operators + - and *. It changes nothing else: the
// steps hand on what they are given, or fail.

const (
	measureName = "__measure" // fails where the value is too large to be walked or copied
	lengthName  = "__length"  // the same, looking at its outermost length alone
	productName = "__product" // fails where the value and the argument are too large to be compared part by part
	pathName    = "__path"    // fails where the value is a path with a huge index
	wideName    = "__wide"    // fails where a transposed value is too large
	leftVar     = "$__left"
	rightVar    = "$__right"
)

// walks are the functions that walk or copy all of their input or of what their argument gives.
var walks = map[string]bool{
	"add": true, "join": true, "implode": true, "explode": true, "split": true, "transpose": true, "flatten": true,
	"unique": true, "unique_by": true, "group_by": true, "sort": true, "sort_by": true, "min": true, "max": true,
	"min_by": true, "max_by": true, "INDEX": true, "IN": true, "tojson": true, "tostring": true, "fromjson": true, "bsearch": true,
	"error": true, "format": true,
}

// products are the functions of one argument that compare all parts of their input with all parts of it.
var products = map[string]bool{"contains": true, "inside": true, "indices": true, "index": true, "rindex": true}

func guarded(q *gojq.Query) *gojq.Query {
	v := visitor{query: guardOperator, term: guardTerm, part: func(q *gojq.Query) {
		replace(q, group(pipe(clone(q), call(measureName))))
	}}
	v.visit(q)
	return q
}

func guardOperator(q *gojq.Query) {
	if q.Term != nil || len(q.Patterns) > 0 {
		return
	}
	switch q.Op {
	case gojq.OpEq, gojq.OpNe, gojq.OpLt, gojq.OpLe, gojq.OpGt, gojq.OpGe:
		q.Left, q.Right = before(q.Left, measureName), before(q.Right, measureName)
	case gojq.OpDiv:
		q.Left, q.Right = before(q.Left, lengthName), before(q.Right, lengthName)
	case gojq.OpAdd, gojq.OpSub, gojq.OpMul:
		replace(q, call(operatorNames[q.Op], q.Left, q.Right))
	case gojq.OpAssign, gojq.OpModify, gojq.OpUpdateAlt, gojq.OpUpdateDiv, gojq.OpUpdateMod:
		guardPaths(q)
	case gojq.OpUpdateAdd:
		guardUpdate(q, gojq.OpAdd)
	case gojq.OpUpdateSub:
		guardUpdate(q, gojq.OpSub)
	case gojq.OpUpdateMul:
		guardUpdate(q, gojq.OpMul)
	}
}

// isConstant reports whether q is nothing but a number or a string.
func isConstant(q *gojq.Query) bool {
	t := q.Term
	return t != nil && len(q.FuncDefs) == 0 && len(t.SuffixList) == 0 && (t.Type == gojq.TermTypeNumber || t.Type == gojq.TermTypeString && t.Str.Queries == nil)
}

// guardUpdate makes r as $right | l |= (. op $right) of l op= r, which is how gojq defines it.
func guardUpdate(q *gojq.Query, op gojq.Operator) {
	update := &gojq.Query{Left: identity(), Op: op, Right: call(rightVar)}
	guardOperator(update)
	modify := &gojq.Query{Left: q.Left, Op: gojq.OpModify, Right: update}
	guardPaths(modify)
	replace(q, group(bind(q.Right, rightVar, modify)))
}

// guardPaths makes . as $left | (reduce path(l) as … check) | $left | l = r of l = r.
func guardPaths(q *gojq.Query) {
	replace(q, group(pathsFirst(q.Left, clone(q))))
}

func pathsFirst(paths, then *gojq.Query) *gojq.Query {
	checked := &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeArray, Array: &gojq.Array{
		Query: pipe(call("path", paths), call(pathName)),
	}}}
	return bind(identity(), leftVar, pipe(checked, call(leftVar), then))
}

func guardTerm(t *gojq.Term) {
	bare := *t
	bare.SuffixList = nil
	self := &gojq.Query{Term: &bare}
	switch {
	case t.Type == gojq.TermTypeFormat && t.Str == nil:
		self = pipe(call(measureName), self)
	case t.Type != gojq.TermTypeFunc:
		return
	case products[t.Func.Name] && len(t.Func.Args) == 1:
		f := &gojq.Func{Name: t.Func.Name, Args: []*gojq.Query{call(rightVar)}}
		self = bind(t.Func.Args[0], rightVar, pipe(call(productName, call(rightVar)), &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeFunc, Func: f}}))
	case walks[t.Func.Name]:
		for i, arg := range t.Func.Args {
			t.Func.Args[i] = before(arg, measureName)
		}
		self = pipe(call(measureName), self)
		if t.Func.Name == "transpose" {
			self = pipe(call(wideName), self)
		}
	case t.Func.Name == "setpath" && len(t.Func.Args) == 2:
		t.Func.Args[0] = before(t.Func.Args[0], pathName)
		return
	case t.Func.Name == "fromstream" && len(t.Func.Args) == 1:
		t.Func.Args[0] = before(t.Func.Args[0], pathName)
		return
	case t.Func.Name == "pick" && len(t.Func.Args) == 1:
		self = pathsFirst(t.Func.Args[0], self)
	default:
		return
	}
	*t = gojq.Term{Type: gojq.TermTypeQuery, Query: self, SuffixList: t.SuffixList}
}

func before(q *gojq.Query, check string) *gojq.Query {
	if isConstant(q) {
		return q
	}
	return pipe(group(q), call(check))
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
