package projection

import (
	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/mapping/expr/syntax"
)

// projector walks a syntax tree with the place of the value that comes in. Its methods give the place of what comes
// out.
type projector struct{ root *Projection }

// queryAll is query where the outputs become part of something else.
func (p *projector) queryAll(q *gojq.Query, in *Projection) {
	if q != nil {
		p.query(q, in).includeAll()
	}
}

func (p *projector) query(q *gojq.Query, in *Projection) *Projection {
	switch {
	case len(q.FuncDefs) > 0:
		p.root.includeAll() // what comes into a function is not known
		return nil
	case q.Term != nil:
		return p.term(q.Term, in)
	case q.Op == gojq.OpPipe && len(q.Patterns) > 0:
		p.queryAll(q.Left, in)
		p.patterns(q.Patterns)
		return p.query(q.Right, in)
	case q.Op == gojq.OpPipe:
		return p.query(q.Right, p.query(q.Left, in))
	case q.Op >= gojq.OpAssign:
		in.includeAll()
		return nil
	}
	p.queryAll(q.Left, in)
	p.queryAll(q.Right, in)
	return nil
}

// patterns looks for a pattern with an expression in it.
func (p *projector) patterns(ps []*gojq.Pattern) {
	v := syntax.Visitor{Query: func(*gojq.Query) { p.root.includeAll() }}
	v.Patterns(ps)
}

func (p *projector) term(t *gojq.Term, in *Projection) *Projection {
	out := p.bare(t, in)
	for _, s := range t.SuffixList {
		switch {
		case s.Index != nil:
			out = p.index(out, s.Index, in)
		case s.Iter:
			out = out.everyElem(false)
		}
	}
	return out
}

// index is one step from a place; in is what came into the term, and into expressions inside of the brackets.
func (p *projector) index(from *Projection, x *gojq.Index, in *Projection) *Projection {
	switch st, ok := syntax.ConstantStep(x); {
	case ok && st.Key:
		return from.key(st.Name)
	case ok:
		return from.everyElem(true)
	}
	from.includeAll()
	p.text(x.Str, in)
	p.queryAll(x.Start, in)
	p.queryAll(x.End, in)
	return nil
}

func (p *projector) text(s *gojq.String, in *Projection) {
	if s != nil {
		for _, q := range s.Queries {
			p.queryAll(q, in)
		}
	}
}

// bare is a term without its suffixes.
func (p *projector) bare(t *gojq.Term, in *Projection) *Projection {
	switch t.Type {
	case gojq.TermTypeIdentity:
		return in
	case gojq.TermTypeIndex:
		return p.index(in, t.Index, in)
	case gojq.TermTypeQuery:
		return p.query(t.Query, in)
	case gojq.TermTypeFunc:
		return p.function(t.Func, in)
	case gojq.TermTypeObject:
		p.object(t.Object, in)
	case gojq.TermTypeArray:
		p.queryAll(t.Array.Query, in)
	case gojq.TermTypeUnary:
		p.term(t.Unary.Term, in).includeAll()
	case gojq.TermTypeString, gojq.TermTypeFormat:
		if t.Str == nil {
			in.includeAll()
		}
		p.text(t.Str, in)
	case gojq.TermTypeIf:
		p.branch(t.If, in)
	case gojq.TermTypeTry:
		p.queryAll(t.Try.Body, in) // the other part sees the message alone
	case gojq.TermTypeReduce:
		p.queryAll(t.Reduce.Query, in)
		p.queryAll(t.Reduce.Start, in)
		p.patterns(t.Reduce.Patterns)
	case gojq.TermTypeLabel:
		p.queryAll(t.Label.Body, in)
	case gojq.TermTypeNull, gojq.TermTypeTrue, gojq.TermTypeFalse, gojq.TermTypeNumber, gojq.TermTypeBreak:
	default:
		in.includeAll()
	}
	return nil
}

func (p *projector) object(o *gojq.Object, in *Projection) {
	for _, kv := range o.KeyVals {
		p.text(kv.KeyString, in)
		p.queryAll(kv.KeyQuery, in)
		switch {
		case kv.Val != nil:
			p.queryAll(kv.Val, in)
		case kv.KeyString != nil && kv.KeyString.Queries == nil:
			in.key(kv.KeyString.Str).includeAll()
		case kv.Key != "" && kv.Key[0] != '$':
			in.key(kv.Key).includeAll()
		case kv.Key == "":
			in.includeAll()
		}
	}
}

func (p *projector) branch(i *gojq.If, in *Projection) {
	p.queryAll(i.Cond, in)
	p.queryAll(i.Then, in)
	for _, e := range i.Elif {
		p.queryAll(e.Cond, in)
		p.queryAll(e.Then, in)
	}
	if i.Else == nil {
		in.includeAll()
	}
	p.queryAll(i.Else, in)
}

// ofArguments are the functions that make their outputs of those of their arguments, whose input is their own. What
// the later arguments of any and all see comes from the first.
var ofArguments = map[string]bool{
	"first": true, "last": true, "limit": true, "skip": true, "isempty": true, "range": true, "any": true,
	"all": true, "add": true, "error": true,
}

func (p *projector) function(f *gojq.Func, in *Projection) *Projection {
	switch {
	case f.Name[0] == '$' || len(f.Args) == 0 && (f.Name == "empty" || f.Name == "infinite" || f.Name == "nan"):
		return nil
	case len(f.Args) == 0 && (f.Name == "first" || f.Name == "last"):
		return in.everyElem(true)
	case len(f.Args) == 1 && f.Name == "select":
		p.queryAll(f.Args[0], in)
		return in
	case len(f.Args) == 1 && (f.Name == "map" || f.Name == "any" || f.Name == "all"):
		p.queryAll(f.Args[0], in.everyElem(false))
		return nil
	case len(f.Args) > 0 && ofArguments[f.Name]:
		for _, arg := range f.Args {
			p.queryAll(arg, in)
		}
		return nil
	}
	in.includeAll() // and with it all that its arguments can see
	return nil
}
