package expr

import "github.com/itchyny/gojq"

// reader walks a syntax tree with the place of the value that comes in. Its methods give the place of what comes out.
type reader struct{ root *reading }

// used is query where the outputs become part of something else.
func (r *reader) used(q *gojq.Query, in *reading) {
	if q != nil {
		r.query(q, in).use()
	}
}

func (r *reader) query(q *gojq.Query, in *reading) *reading {
	switch {
	case len(q.FuncDefs) > 0:
		r.root.use() // what comes into a function is not known
		return nil
	case q.Term != nil:
		return r.term(q.Term, in)
	case q.Op == gojq.OpPipe && len(q.Patterns) > 0:
		r.used(q.Left, in)
		r.patterns(q.Patterns)
		return r.query(q.Right, in)
	case q.Op == gojq.OpPipe:
		return r.query(q.Right, r.query(q.Left, in))
	case q.Op >= gojq.OpAssign:
		in.use()
		return nil
	}
	r.used(q.Left, in)
	r.used(q.Right, in)
	return nil
}

// patterns looks for a pattern with an expression in it.
func (r *reader) patterns(ps []*gojq.Pattern) {
	v := visitor{query: func(*gojq.Query) { r.root.use() }}
	v.patterns(ps)
}

func (r *reader) term(t *gojq.Term, in *reading) *reading {
	out := r.bare(t, in)
	for _, s := range t.SuffixList {
		switch {
		case s.Index != nil:
			out = r.index(out, s.Index, in)
		case s.Iter:
			out = out.everyElem(false)
		}
	}
	return out
}

// index is one step from a place; in is what came into the term, and into expressions inside of the brackets.
func (r *reader) index(from *reading, x *gojq.Index, in *reading) *reading {
	switch st, ok := constantStep(x); {
	case ok && st.key:
		return from.key(st.name)
	case ok:
		return from.everyElem(true)
	}
	from.use()
	r.text(x.Str, in)
	r.used(x.Start, in)
	r.used(x.End, in)
	return nil
}

func (r *reader) text(s *gojq.String, in *reading) {
	if s != nil {
		for _, q := range s.Queries {
			r.used(q, in)
		}
	}
}

// bare is a term without its suffixes.
func (r *reader) bare(t *gojq.Term, in *reading) *reading {
	switch t.Type {
	case gojq.TermTypeIdentity:
		return in
	case gojq.TermTypeIndex:
		return r.index(in, t.Index, in)
	case gojq.TermTypeQuery:
		return r.query(t.Query, in)
	case gojq.TermTypeFunc:
		return r.function(t.Func, in)
	case gojq.TermTypeObject:
		r.object(t.Object, in)
	case gojq.TermTypeArray:
		r.used(t.Array.Query, in)
	case gojq.TermTypeUnary:
		r.term(t.Unary.Term, in).use()
	case gojq.TermTypeString, gojq.TermTypeFormat:
		if t.Str == nil {
			in.use()
		}
		r.text(t.Str, in)
	case gojq.TermTypeIf:
		r.branch(t.If, in)
	case gojq.TermTypeTry:
		r.used(t.Try.Body, in) // the other part sees the message alone
	case gojq.TermTypeReduce:
		r.used(t.Reduce.Query, in)
		r.used(t.Reduce.Start, in)
		r.patterns(t.Reduce.Patterns)
	case gojq.TermTypeLabel:
		r.used(t.Label.Body, in)
	case gojq.TermTypeNull, gojq.TermTypeTrue, gojq.TermTypeFalse, gojq.TermTypeNumber, gojq.TermTypeBreak:
	default:
		in.use()
	}
	return nil
}

func (r *reader) object(o *gojq.Object, in *reading) {
	for _, kv := range o.KeyVals {
		r.text(kv.KeyString, in)
		r.used(kv.KeyQuery, in)
		switch {
		case kv.Val != nil:
			r.used(kv.Val, in)
		case kv.KeyString != nil && kv.KeyString.Queries == nil:
			in.key(kv.KeyString.Str).use()
		case kv.Key != "" && kv.Key[0] != '$':
			in.key(kv.Key).use()
		case kv.Key == "":
			in.use()
		}
	}
}

func (r *reader) branch(i *gojq.If, in *reading) {
	r.used(i.Cond, in)
	r.used(i.Then, in)
	for _, e := range i.Elif {
		r.used(e.Cond, in)
		r.used(e.Then, in)
	}
	if i.Else == nil {
		in.use()
	}
	r.used(i.Else, in)
}

// ofArguments are the functions that make their outputs of those of their arguments, whose input is their own. What the later arguments of
// any and all see comes from the first.
var ofArguments = map[string]bool{
	"first": true, "last": true, "limit": true, "skip": true, "isempty": true, "range": true, "any": true, "all": true, "add": true, "error": true,
}

func (r *reader) function(f *gojq.Func, in *reading) *reading {
	switch {
	case f.Name[0] == '$' || len(f.Args) == 0 && (f.Name == "empty" || f.Name == "infinite" || f.Name == "nan"):
		return nil
	case len(f.Args) == 0 && (f.Name == "first" || f.Name == "last"):
		return in.everyElem(true)
	case len(f.Args) == 1 && f.Name == "select":
		r.used(f.Args[0], in)
		return in
	case len(f.Args) == 1 && (f.Name == "map" || f.Name == "any" || f.Name == "all"):
		r.used(f.Args[0], in.everyElem(false))
		return nil
	case len(f.Args) > 0 && ofArguments[f.Name]:
		for _, arg := range f.Args {
			r.used(arg, in)
		}
		return nil
	}
	in.use() // and with it all that its arguments can see
	return nil
}
