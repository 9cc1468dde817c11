package expr

import (
	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/expr/jq"
	"github.com/ciobridge/ciobridge/mapping/expr/syntax"
)

// expr is a program, or a part of one, that runs on the raw bytes. All but those for which several is true give at
// most one output.
type expr struct {
	op      op
	several bool

	steps []document.Step // opPath: the place in the document, before the set has resolved it
	at    *document.Place // opPath: the place in the document
	step  document.Step   // opStep, opTryStep
	name  string          // opVar
	lit   Value           // opLiteral
	cond  *expr           // opIf, opSelect
	l, r  *expr           // operands
	kvs   []keyed         // opObject, in the order in which they are written
	list  []int           // opObject: kvs in the order of their keys, of equal keys only the last
	parts []*expr         // opText
	holds jq.Orders       // opCompare, opCompareTo
	right *constant       // opCompareTo
	call  function        // opCall
	arg   []byte          // opCall: the text of its argument, where it takes one
}

// keyed is one member of an object construction.
type keyed struct {
	name   string
	prefix []byte // the key as JSON, with its colon
	value  *expr
}

type op uint8

const (
	opInput     op = iota // the value that came in
	opPath                // a place in the document
	opVar                 // a variable
	opLiteral             // a constant
	opStep                // one step into l
	opTryStep             // one step into l, or nothing where the step fails
	opTry                 // l, or nothing where it fails
	opObject              // {…}
	opArray               // [l]
	opText                // "…\(…)…"
	opCompare             // l == r and its like
	opCompareTo           // l == right and its like
	opAnd
	opOr
	opAlt     // l // r
	opPipe    // l | r
	opIf      // if cond then l else r end
	opSelect  // the input where cond holds
	opCall    // a function of the input
	opIter    // l[]
	opTryIter // l[]?
)

// isPath reports whether the program is a path into the document or a variable and nothing else.
func (e *expr) isPath() bool {
	switch e.op {
	case opPath, opVar:
		return true
	case opStep, opTryStep, opTry:
		return !e.several && e.l.isPath()
	}
	return false
}

// heads gives the paths with which a program begins, whatever they are piped into: one, or those of which // chooses.
// It is empty where the program begins with anything else.
func (c *fastCompiler) heads(q *gojq.Query) []*expr {
	var parts []*gojq.Query
	for ; q.Op == gojq.OpPipe && len(q.FuncDefs)+len(q.Patterns) == 0; q = q.Right {
		parts = append(parts, q.Left)
	}
	for parts = append(parts, q); len(parts) > 0; parts = parts[:len(parts)-1] {
		if e := c.query(syntax.Pipe(parts[0], parts[1:]...), incoming{known: true}); e != nil && e.isPath() {
			return []*expr{e}
		}
		q = parts[0]
	}
	switch {
	case len(q.FuncDefs) > 0:
	case q.Op == gojq.OpAlt:
		if l, r := c.heads(q.Left), c.heads(q.Right); len(l) > 0 && len(r) > 0 {
			return append(l, r...)
		}
	case q.Term != nil && q.Term.Type == gojq.TermTypeQuery && len(q.Term.SuffixList) == 0:
		return c.heads(q.Term.Query)
	}
	return nil
}

// find gives what a path leads to, and reports whether it is there.
func (d *Document) find(path *expr) (Value, bool) {
	switch path.op {
	case opPath:
		return d.doc.At(path.at.ID())
	case opVar:
		return d.lookup(path.name), true
	case opTry:
		return d.find(path.l)
	}
	if above, there := d.find(path.l); there {
		return document.Find(above, path.step)
	}
	return Value{}, false
}

// resolve wants the places of all paths in e. Steps that the pass over a document does not follow, such as
// negative indexes, become steps of their own.
func (s *Set) resolve(e *expr) *expr {
	if e == nil {
		return nil
	}
	e.cond, e.l, e.r = s.resolve(e.cond), s.resolve(e.l), s.resolve(e.r)
	for i := range e.kvs {
		e.kvs[i].value = s.resolve(e.kvs[i].value)
	}
	for i := range e.parts {
		e.parts[i] = s.resolve(e.parts[i])
	}
	if e.op != opPath {
		return e
	}
	e.at = s.places.Root()
	for i, st := range e.steps {
		next, ok := s.places.Step(e.at, st)
		if !ok {
			for _, st := range e.steps[i:] {
				e = &expr{op: opStep, l: e, step: st}
			}
			return e
		}
		e.at = next
	}
	return e
}
