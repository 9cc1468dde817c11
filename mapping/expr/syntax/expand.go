package syntax

import (
	"slices"
	"strings"

	"github.com/itchyny/gojq"
)

// Expander writes out the calls of functions that programs share, so that a program runs as if it had been written
// without them. A function is written out where that means the same: its body binds no variable, has no function or
// label of its own, and does not call itself. Any other stays a definition, which Expand puts in front of the program.
//
// It is built by one goroutine, and then shared: it changes no tree but those that it is given to expand.
type Expander struct {
	defs   []*gojq.FuncDef // in their order, as they were written
	bodies map[string]*written
	order  map[string]int  // the place of a definition by its signature
	vars   map[string]bool // that definitions read and do not bind
}

// Limits of what is written out: bodies that call each other twice, and arguments that are calls, double with each.
const (
	maxExpanded = 500    // terms of one call
	maxWritten  = 10_000 // terms of all calls in a program
)

// NewExpander makes an expander of definitions with signatures of their own. A definition knows those before it.
func NewExpander(defs []*gojq.FuncDef) *Expander {
	e := &Expander{bodies: map[string]*written{}, order: map[string]int{}, vars: map[string]bool{}}
	for _, def := range defs {
		e.add(def)
	}
	return e
}

// Knows reports whether there is a function of this signature.
func (e *Expander) Knows(signature string) bool {
	_, ok := e.order[signature]
	return ok
}

func (e *Expander) add(def *gojq.FuncDef) {
	body := Copy(def.Body)
	used, bound := Names(body)
	for _, name := range used {
		if name[0] == '$' && !bound[name] && !slices.Contains(def.Args, name) {
			e.vars[name] = true
		}
	}
	if plain(body, def.Args) {
		params := map[string]bool{}
		for _, p := range def.Args {
			params[Signature(strings.TrimPrefix(p, "$"), 0)] = true
		}
		e.writeOut(body, func(signature string) bool { return params[signature] })
		if !calls(body, Signature(def.Name, len(def.Args))) && terms(body) <= maxExpanded {
			e.bodies[Signature(def.Name, len(def.Args))] = &written{def.Args, body}
		}
	}
	e.order[Signature(def.Name, len(def.Args))] = len(e.defs)
	e.defs = append(e.defs, def)
}

// Expand writes out the calls in q, in place, and puts the definitions in front of it that it still needs.
func (e *Expander) Expand(q *gojq.Query) *gojq.Query {
	if !e.hides(q) {
		e.writeOut(q, func(string) bool { return false })
	}
	defs := e.needed(q)
	if len(defs) == 0 {
		return q
	}
	out := *q
	out.FuncDefs = append(defs, q.FuncDefs...)
	return &out
}

// hides reports whether q gives a name that a body may use another meaning: a function, or a variable.
func (e *Expander) hides(q *gojq.Query) (hides bool) {
	v := Visitor{
		Def:   func(*gojq.FuncDef) { hides = true },
		Bound: func(name string) { hides = hides || e.vars[name] },
	}
	v.Visit(q)
	return hides
}

// writeOut puts bodies in the place of calls. The arguments of a call have been written out before the call is shown.
func (e *Expander) writeOut(q *gojq.Query, isParam func(signature string) bool) {
	written := 0
	v := Visitor{Term: func(t *gojq.Term) {
		if t.Func == nil || isParam(Signature(t.Func.Name, len(t.Func.Args))) {
			return
		}
		w := e.bodies[Signature(t.Func.Name, len(t.Func.Args))]
		if w == nil {
			return
		}
		args, ok := w.arguments(t.Func.Args)
		size := w.size(args)
		if !ok || w.reads(isParam) || size > maxExpanded || written+size > maxWritten {
			return
		}
		written += size
		body := Copy(w.body)
		substitute(body, args)
		*t = gojq.Term{Type: gojq.TermTypeQuery, Query: body, SuffixList: t.SuffixList}
	}}
	v.Visit(q)
}

// plain reports whether a body means the same wherever it stands.
func plain(body *gojq.Query, params []string) bool {
	ok := true
	v := Visitor{
		Def:   func(*gojq.FuncDef) { ok = false },
		Bound: func(string) { ok = false },
		Term: func(t *gojq.Term) {
			if t.Label != nil || t.Type == gojq.TermTypeBreak {
				ok = false
			}
			if t.Object != nil && shortKey(t.Object, params) {
				ok = false
			}
		},
	}
	v.Visit(body)
	return ok
}

// shortKey reports whether an object takes a parameter by its name alone, as {$name}.
func shortKey(o *gojq.Object, params []string) bool {
	for _, kv := range o.KeyVals {
		for _, p := range params {
			if kv.Key == p && strings.HasPrefix(p, "$") {
				return true
			}
		}
	}
	return false
}

func calls(q *gojq.Query, signature string) (found bool) {
	v := &Visitor{}
	v.Term = func(t *gojq.Term) {
		found = found || t.Func != nil && Signature(t.Func.Name, len(t.Func.Args)) == signature
	}
	v.Visit(q)
	return found
}

func terms(q *gojq.Query) (n int) {
	v := Visitor{Term: func(*gojq.Term) { n++ }}
	v.Visit(q)
	return n
}

// needed gives copies of the definitions that q calls, directly or by another one, in their order.
func (e *Expander) needed(q *gojq.Query) (defs []*gojq.FuncDef) {
	wanted := map[int]bool{}
	var mark func(q *gojq.Query)
	mark = func(q *gojq.Query) {
		v := &Visitor{}
		v.Term = func(t *gojq.Term) {
			if t.Func == nil {
				return
			}
			signature := Signature(t.Func.Name, len(t.Func.Args))
			i, known := e.order[signature]
			if !known || wanted[i] || v.Defined(signature) {
				return
			}
			wanted[i] = true
			mark(e.defs[i].Body)
		}
		v.Visit(q)
	}
	mark(q)
	for i, def := range e.defs {
		if wanted[i] {
			defs = append(defs, CopyDef(def))
		}
	}
	return defs
}
