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

// path notes a term that is a path, as far as its steps are names.
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
	case t.Type == gojq.TermTypeIndex && t.Index.Name == "":
		return
	case t.Type == gojq.TermTypeIndex:
		path.WriteString("." + t.Index.Name)
	}
	for _, s := range t.SuffixList {
		if s.Index == nil || s.Index.Name == "" {
			break
		}
		path.WriteString("." + s.Index.Name)
	}
	if p := path.String(); p != "" && !slices.Contains(r.paths, p) {
		r.paths = append(r.paths, p)
	}
}
