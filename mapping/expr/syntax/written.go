package syntax

import (
	"slices"
	"strings"

	"github.com/itchyny/gojq"
)

// written is a function that can be written out.
type written struct {
	params []string
	body   *gojq.Query
}

// arguments gives what stands for each parameter; ok is false where an argument has to be computed once, before the
// body.
func (w *written) arguments(given []*gojq.Query) (args map[string]*gojq.Query, ok bool) {
	args = map[string]*gojq.Query{}
	for i, param := range w.params {
		name, isValue := strings.CutPrefix(param, "$")
		if isValue && !IsConstant(given[i]) && !isVariable(given[i]) {
			return nil, false
		}
		args[name] = given[i]
		if isValue {
			args[param] = given[i]
		}
	}
	return args, true
}

// reads reports whether the body calls, beside its own parameters, a function that would mean another one where
// isParam holds: a parameter of the same name.
func (w *written) reads(isParam func(signature string) bool) (found bool) {
	v := Visitor{Term: func(t *gojq.Term) {
		if t.Func == nil || len(t.Func.Args) == 0 && w.hasParam(t.Func.Name) {
			return
		}
		found = found || isParam(Signature(t.Func.Name, len(t.Func.Args)))
	}}
	v.Visit(w.body)
	return found
}

func (w *written) hasParam(name string) bool {
	return slices.ContainsFunc(w.params, func(p string) bool { return strings.TrimPrefix(p, "$") == name })
}

// size is how many terms the body has with the arguments in it.
func (w *written) size(args map[string]*gojq.Query) int {
	n, of := 0, map[string]int{}
	for name, arg := range args {
		of[name] = terms(arg)
	}
	v := Visitor{Term: func(t *gojq.Term) {
		n++
		if t.Func != nil && len(t.Func.Args) == 0 {
			n += of[t.Func.Name]
		}
	}}
	v.Visit(w.body)
	return n
}

// substitute puts arguments in the place of parameters.
func substitute(body *gojq.Query, args map[string]*gojq.Query) {
	if len(args) == 0 {
		return
	}
	v := Visitor{Term: func(t *gojq.Term) {
		if t.Func == nil || len(t.Func.Args) > 0 || args[t.Func.Name] == nil {
			return
		}
		arg := Copy(args[t.Func.Name])
		if len(t.SuffixList) == 0 && arg.Term != nil && len(arg.FuncDefs) == 0 {
			*t = *arg.Term // as it would be written, without brackets
			return
		}
		*t = gojq.Term{Type: gojq.TermTypeQuery, Query: arg, SuffixList: t.SuffixList}
	}}
	v.Visit(body)
}

func isVariable(q *gojq.Query) bool {
	t := q.Term
	return t != nil && len(q.FuncDefs) == 0 && len(t.SuffixList) == 0 && t.Func != nil && t.Func.Name[0] == '$'
}
