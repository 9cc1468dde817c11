package syntax

import (
	"slices"
	"strings"

	"github.com/itchyny/gojq"
)

// Visitor walks a syntax tree from the leaves up and may change what it is shown in place.
type Visitor struct {
	Query func(*gojq.Query)
	Term  func(*gojq.Term)
	Bound func(string)                   // of a variable that the program itself defines
	Name  func(string)                   // of a function that is called or a variable that is read
	Part  func(q *gojq.Query, parts int) // of a string with interpolation; never a literal part
	Key   func(*gojq.Query)              // that a pattern computes
	Def   func(*gojq.FuncDef)

	defs []string // the functions that the program defined, as far as they are known at the place that is shown
}

// Defined reports whether a name with a number of arguments is a function of the program itself.
func (v *Visitor) Defined(name string) bool { return slices.Contains(v.defs, name) }

// Visit walks the trees one after the other.
func (v *Visitor) Visit(qs ...*gojq.Query) {
	for _, q := range qs {
		if q == nil {
			continue
		}
		known := len(v.defs)
		for _, def := range q.FuncDefs {
			v.funcDef(def)
		}
		v.Visit(q.Left, q.Right)
		v.Patterns(q.Patterns)
		if q.Term != nil {
			v.visitTerm(q.Term)
		}
		if v.Query != nil {
			v.Query(q)
		}
		v.defs = v.defs[:known]
	}
}

// funcDef visits a definition, which knows itself and its arguments, and is known from then on.
func (v *Visitor) funcDef(def *gojq.FuncDef) {
	if v.Def != nil {
		v.Def(def)
	}
	v.defs = append(v.defs, Signature(def.Name, len(def.Args)))
	known := len(v.defs)
	for _, arg := range def.Args {
		v.bind(arg)
		v.defs = append(v.defs, Signature(strings.TrimPrefix(arg, "$"), 0))
	}
	v.Visit(def.Body)
	v.defs = v.defs[:known]
}

func (v *Visitor) visitTerm(t *gojq.Term) {
	v.index(t.Index)
	for _, s := range t.SuffixList {
		v.index(s.Index)
	}
	v.text(t.Str)
	v.Visit(t.Query)
	switch {
	case t.Func != nil:
		if v.Name != nil {
			v.Name(t.Func.Name)
		}
		v.Visit(t.Func.Args...)
	case t.Object != nil:
		v.object(t.Object)
	case t.Array != nil:
		v.Visit(t.Array.Query)
	case t.Unary != nil:
		v.visitTerm(t.Unary.Term)
	case t.Label != nil:
		v.Visit(t.Label.Body)
	}
	v.control(t)
	if v.Term != nil {
		v.Term(t)
	}
}

func (v *Visitor) control(t *gojq.Term) {
	switch {
	case t.If != nil:
		v.Visit(t.If.Cond, t.If.Then, t.If.Else)
		for _, e := range t.If.Elif {
			v.Visit(e.Cond, e.Then)
		}
	case t.Try != nil:
		v.Visit(t.Try.Body, t.Try.Catch)
	case t.Reduce != nil:
		v.Visit(t.Reduce.Query, t.Reduce.Start, t.Reduce.Update)
		v.Patterns(t.Reduce.Patterns)
	case t.Foreach != nil:
		v.Visit(t.Foreach.Query, t.Foreach.Start, t.Foreach.Update, t.Foreach.Extract)
		v.Patterns(t.Foreach.Patterns)
	}
}

func (v *Visitor) object(o *gojq.Object) {
	for _, kv := range o.KeyVals {
		if v.Name != nil && kv.Key != "" && kv.Key[0] == '$' {
			v.Name(kv.Key)
		}
		v.text(kv.KeyString)
		v.Visit(kv.KeyQuery, kv.Val)
	}
}

func (v *Visitor) index(x *gojq.Index) {
	if x != nil {
		v.text(x.Str)
		v.Visit(x.Start, x.End)
	}
}

func (v *Visitor) text(s *gojq.String) {
	if s == nil {
		return
	}
	for _, q := range s.Queries {
		v.Visit(q)
		if v.Part != nil && q.Term.Str == nil {
			v.Part(q, len(s.Queries))
		}
	}
}

// Patterns walks patterns.
func (v *Visitor) Patterns(ps []*gojq.Pattern) {
	for _, p := range ps {
		v.bind(p.Name)
		v.Patterns(p.Array)
		for _, o := range p.Object {
			v.bind(o.Key)
			v.text(o.KeyString)
			v.Visit(o.KeyQuery)
			if v.Key != nil && o.KeyQuery != nil {
				v.Key(o.KeyQuery)
			}
			if o.Val != nil {
				v.Patterns([]*gojq.Pattern{o.Val})
			}
		}
	}
}

func (v *Visitor) bind(name string) {
	if v.Bound != nil && strings.HasPrefix(name, "$") {
		v.Bound(name)
	}
}

// Names gives every function and variable that a program uses, each once, and the variables that it defines itself.
func Names(q *gojq.Query) (used []string, bound map[string]bool) {
	seen := map[string]bool{}
	bound = map[string]bool{}
	v := Visitor{
		Bound: func(n string) { bound[n] = true },
		Name: func(n string) {
			if !seen[n] {
				seen[n] = true
				used = append(used, n)
			}
		},
	}
	v.Visit(q)
	return used, bound
}
