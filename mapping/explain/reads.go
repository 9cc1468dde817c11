package explain

import (
	"slices"
	"strings"

	"github.com/itchyny/gojq"
)

// maxPaths is how many paths of a condition are looked at.
const maxPaths = 6

// Reads gives the paths that a program reads of the document and of variables, such as .data.total and $message.key, in
// the order in which it names them. What it reads of values that it has made is not among them.
func Reads(program string) []string {
	q, err := gojq.Parse(program)
	if err != nil {
		return nil
	}
	r := &reader{}
	r.query(q)
	return r.paths[:min(len(r.paths), maxPaths)]
}

type reader struct{ paths []string }

func (r *reader) query(q *gojq.Query) {
	if q == nil || len(q.FuncDefs)+len(q.Patterns) > 0 {
		return
	}
	switch {
	case q.Term != nil:
		r.term(q.Term)
	case q.Op == gojq.OpPipe:
		r.query(q.Left) // what follows reads what this gives
	default:
		r.query(q.Left)
		r.query(q.Right)
	}
}

func (r *reader) term(t *gojq.Term) {
	switch t.Type {
	case gojq.TermTypeIndex, gojq.TermTypeFunc, gojq.TermTypeIdentity:
		r.path(t)
	case gojq.TermTypeQuery:
		r.query(t.Query)
	case gojq.TermTypeUnary:
		r.term(t.Unary.Term)
	case gojq.TermTypeIf:
		r.query(t.If.Cond)
	case gojq.TermTypeTry:
		r.query(t.Try.Body)
	case gojq.TermTypeArray:
		r.query(t.Array.Query)
	}
}

// sameInput are the functions whose arguments read what comes into the function.
var sameInput = []string{"select", "first", "isempty", "has", "contains", "inside", "index", "test",
	"startswith", "endswith", "error"}

// path notes a term that is a path, as far as its steps are names and numbers.
func (r *reader) path(t *gojq.Term) {
	var path strings.Builder
	switch {
	case t.Type == gojq.TermTypeFunc && !strings.HasPrefix(t.Func.Name, "$"):
		if slices.Contains(sameInput, t.Func.Name) && len(t.Func.Args) == 1 {
			r.query(t.Func.Args[0])
		}
		return
	case t.Type == gojq.TermTypeFunc:
		path.WriteString(t.Func.Name)
	case t.Type == gojq.TermTypeIndex && !isConstant(t.Index):
		return
	case t.Type == gojq.TermTypeIndex:
		path.WriteString(t.Index.String())
	}
	for _, s := range t.SuffixList {
		if s.Index == nil || !isConstant(s.Index) {
			break
		}
		step := s.Index.String()
		if path.Len() > 0 {
			step = strings.Replace(step, ".[", "[", 1)
		}
		path.WriteString(step)
	}
	if p := path.String(); p != "" && !slices.Contains(r.paths, p) {
		r.paths = append(r.paths, p)
	}
}

// isConstant reports whether a step is a name, as in .a, ."a" and ["a"], or a number, as in [0].
func isConstant(step *gojq.Index) bool {
	switch {
	case step.Name != "":
		return true
	case step.Str != nil:
		return step.Str.Queries == nil
	case step.IsSlice || step.Start.Term == nil || len(step.Start.Term.SuffixList) > 0:
		return false
	}
	t := step.Start.Term
	return t.Type == gojq.TermTypeNumber || t.Type == gojq.TermTypeString && t.Str.Queries == nil
}
