package jq

import (
	_ "embed"
	"maps"
	"slices"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/mapping/expr/syntax"
)

//go:embed library.jq
var librarySource string

// library are its definitions by the order in which they stand, instrumented as programs are.
var library = func() []*gojq.FuncDef {
	q, err := gojq.Parse(librarySource + " .")
	if err != nil {
		panic("jq: library.jq: " + err.Error())
	}
	q = instrumented(q)
	redefineOperators(q)
	return q.FuncDefs
}()

// uses are the functions that each definition of the library calls.
var uses = func() map[*gojq.FuncDef]map[string]bool {
	all := map[*gojq.FuncDef]map[string]bool{}
	for _, def := range library {
		all[def] = functionsOf(def.Body)
	}
	return all
}()

var inLibrary = func() map[string]bool {
	all := map[string]bool{}
	for _, def := range library {
		all[syntax.Signature(def.Name, len(def.Args))] = true
	}
	return all
}()

// functionsOf gives the functions that q calls, each with its number of arguments.
func functionsOf(q *gojq.Query) map[string]bool {
	used := map[string]bool{}
	v := syntax.Visitor{Term: func(t *gojq.Term) {
		if t.Func != nil {
			used[syntax.Signature(t.Func.Name, len(t.Func.Args))] = true
		}
	}}
	v.Visit(q)
	return used
}

// libraryOf gives the definitions that q needs.
func libraryOf(q *gojq.Query) (defs []*gojq.FuncDef) {
	wanted := functionsOf(q)
	for i := len(library) - 1; i >= 0; i-- {
		if def := library[i]; wanted[syntax.Signature(def.Name, len(def.Args))] {
			defs = append(defs, def)
			maps.Copy(wanted, uses[def])
		}
	}
	slices.Reverse(defs)
	return defs
}
