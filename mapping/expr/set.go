package expr

import (
	"slices"

	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/expr/jq"
	"github.com/ciobridge/ciobridge/mapping/expr/projection"
)

// Set holds every program of the loaded rules, so that one pass over a document finds all that they read. It is built
// by one goroutine and is safe for use by several once it is sealed.
type Set struct{ places *document.Places }

// NewSet gives an empty set.
func NewSet() *Set { return &Set{document.NewPlaces()} }

// Compile adds a program that calls no functions but jq's. Vars are the names of the variables that it may use, without
// the dollar sign. An error is a *CompileError.
func (s *Set) Compile(src string, vars ...string) (*Program, error) {
	return s.CompileWith(nil, src, vars...)
}

// CompileWith is Compile for a program that may call functions of defs, too; nil is none.
func (s *Set) CompileWith(defs *Definitions, src string, vars ...string) (*Program, error) {
	if s.places.Sealed() {
		panic("expr: Compile after Seal")
	}
	source, err := jq.Parse(src, defs, vars)
	if err != nil {
		return nil, err
	}
	q := source.Query
	fast := (&fastCompiler{vars}).query(q, incoming{known: true})
	heads := (&fastCompiler{vars}).heads(q)
	projected := projection.Whole
	if fast == nil {
		projected = projection.Of(s.places, q)
	}
	unused := func(name string) bool { return !slices.Contains(source.Used, "$"+name) }
	onJQ, err := jq.Compile(q, slices.DeleteFunc(slices.Clone(vars), unused))
	if err != nil {
		// it names a part of the program, and no value
		return nil, &jq.CompileError{Source: src, Offset: -1, Reason: err.Error()}
	}
	p := &Program{src: src, at: document.Nowhere, fast: s.resolve(fast), warnings: source.Warnings}
	for _, head := range heads {
		p.heads = append(p.heads, s.resolve(head))
	}
	switch {
	case fast == nil:
		p.jq, p.projection = onJQ, projected
	case p.fast.op == opPath:
		p.at = p.fast.at.ID()
	}
	return p, nil
}

// Seal ends the building of the set. It is called once, after the last Compile and before the first Parse.
func (s *Set) Seal() { s.places.Seal() }
