package expr

import (
	"slices"
	"strings"

	"github.com/itchyny/gojq"
)

// visitor walks a syntax tree from the leaves up and may change what it is shown in place.
type visitor struct {
	query func(*gojq.Query)
	term  func(*gojq.Term)
	bound func(string)                   // of a variable that the program itself defines
	name  func(string)                   // of a function that is called or a variable that is read
	part  func(q *gojq.Query, parts int) // of a string with interpolation; never a literal part
	key   func(*gojq.Query)              // that a pattern computes
	def   func(*gojq.FuncDef)

	defs []string // the functions that the program defined, as far as they are known at the place that is shown
}

// defined reports whether a name with a number of arguments is a function of the program itself.
func (v *visitor) defined(name string) bool { return slices.Contains(v.defs, name) }

func (v *visitor) visit(qs ...*gojq.Query) {
	for _, q := range qs {
		if q == nil {
			continue
		}
		known := len(v.defs)
		for _, def := range q.FuncDefs {
			v.funcDef(def)
		}
		v.visit(q.Left, q.Right)
		v.patterns(q.Patterns)
		if q.Term != nil {
			v.visitTerm(q.Term)
		}
		if v.query != nil {
			v.query(q)
		}
		v.defs = v.defs[:known]
	}
}

// funcDef visits a definition, which knows itself and its arguments, and is known from then on.
func (v *visitor) funcDef(def *gojq.FuncDef) {
	if v.def != nil {
		v.def(def)
	}
	v.defs = append(v.defs, signature(def.Name, len(def.Args)))
	known := len(v.defs)
	for _, arg := range def.Args {
		v.bind(arg)
		v.defs = append(v.defs, signature(strings.TrimPrefix(arg, "$"), 0))
	}
	v.visit(def.Body)
	v.defs = v.defs[:known]
}

func (v *visitor) visitTerm(t *gojq.Term) {
	v.index(t.Index)
	for _, s := range t.SuffixList {
		v.index(s.Index)
	}
	v.text(t.Str)
	v.visit(t.Query)
	switch {
	case t.Func != nil:
		if v.name != nil {
			v.name(t.Func.Name)
		}
		v.visit(t.Func.Args...)
	case t.Object != nil:
		v.object(t.Object)
	case t.Array != nil:
		v.visit(t.Array.Query)
	case t.Unary != nil:
		v.visitTerm(t.Unary.Term)
	case t.Label != nil:
		v.visit(t.Label.Body)
	}
	v.control(t)
	if v.term != nil {
		v.term(t)
	}
}

func (v *visitor) control(t *gojq.Term) {
	switch {
	case t.If != nil:
		v.visit(t.If.Cond, t.If.Then, t.If.Else)
		for _, e := range t.If.Elif {
			v.visit(e.Cond, e.Then)
		}
	case t.Try != nil:
		v.visit(t.Try.Body, t.Try.Catch)
	case t.Reduce != nil:
		v.visit(t.Reduce.Query, t.Reduce.Start, t.Reduce.Update)
		v.patterns(t.Reduce.Patterns)
	case t.Foreach != nil:
		v.visit(t.Foreach.Query, t.Foreach.Start, t.Foreach.Update, t.Foreach.Extract)
		v.patterns(t.Foreach.Patterns)
	}
}

func (v *visitor) object(o *gojq.Object) {
	for _, kv := range o.KeyVals {
		if v.name != nil && kv.Key != "" && kv.Key[0] == '$' {
			v.name(kv.Key)
		}
		v.text(kv.KeyString)
		v.visit(kv.KeyQuery, kv.Val)
	}
}

func (v *visitor) index(x *gojq.Index) {
	if x != nil {
		v.text(x.Str)
		v.visit(x.Start, x.End)
	}
}

func (v *visitor) text(s *gojq.String) {
	if s == nil {
		return
	}
	for _, q := range s.Queries {
		v.visit(q)
		if v.part != nil && q.Term.Str == nil {
			v.part(q, len(s.Queries))
		}
	}
}

func (v *visitor) patterns(ps []*gojq.Pattern) {
	for _, p := range ps {
		v.bind(p.Name)
		v.patterns(p.Array)
		for _, o := range p.Object {
			v.bind(o.Key)
			v.text(o.KeyString)
			v.visit(o.KeyQuery)
			if v.key != nil && o.KeyQuery != nil {
				v.key(o.KeyQuery)
			}
			if o.Val != nil {
				v.patterns([]*gojq.Pattern{o.Val})
			}
		}
	}
}

func (v *visitor) bind(name string) {
	if v.bound != nil && strings.HasPrefix(name, "$") {
		v.bound(name)
	}
}

// names gives every function and variable that a program uses, each once, and the variables that it defines itself.
func names(q *gojq.Query) (used []string, bound map[string]bool) {
	seen := map[string]bool{}
	bound = map[string]bool{}
	v := visitor{
		bound: func(n string) { bound[n] = true },
		name: func(n string) {
			if !seen[n] {
				seen[n] = true
				used = append(used, n)
			}
		},
	}
	v.visit(q)
	return used, bound
}
