package jq

import (
	"strings"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/mapping/expr/syntax"
)

// Definitions are functions that programs share. Nil is none. Once made they are not changed, so that several programs
// may be compiled with them.
type Definitions struct {
	defs     []*gojq.FuncDef
	expander *syntax.Expander
}

// Define reads definitions in jq, such as "def cents: . * 100;", and adds them to outer, which they may call. They may
// use variables of the names vars. The warnings name parts that fail whatever the event is. An error is a
// *CompileError.
func Define(src string, outer *Definitions, vars []string) (d *Definitions, warned []string, err error) {
	if err := sizeOf(src); err != nil {
		return nil, nil, err
	}
	q, err := gojq.Parse(src)
	if err != nil {
		return nil, nil, parseError(src, err)
	}
	if q.Term != nil || q.Left != nil {
		return nil, nil, &CompileError{src, -1,
			"a program stands behind the definitions; want nothing but def name: …;"}
	}
	if err := twice(src, q, outer); err != nil {
		return nil, nil, err
	}
	if err := check(src, q, outer, vars); err != nil {
		return nil, nil, err
	}
	d = &Definitions{}
	if outer != nil {
		d.defs = append(d.defs, outer.defs...)
	}
	d.defs = append(d.defs, q.FuncDefs...)
	d.expander = syntax.NewExpander(d.defs)
	return d, warnings(q), nil
}

// twice refuses a function that is there already, since which of the two is meant would depend on where one looks.
func twice(src string, q *gojq.Query, outer *Definitions) error {
	seen := map[string]bool{}
	for _, def := range q.FuncDefs {
		signature := syntax.Signature(def.Name, len(def.Args))
		at := strings.Index(src, "def "+def.Name)
		switch {
		case seen[signature] || outer.knows(signature):
			return &CompileError{src, at, signature + " is defined twice; give one of them another name"}
		case isJQ(signature):
			return &CompileError{src, at, signature + " is a function of jq's own; give yours another name"}
		}
		seen[signature] = true
	}
	return nil
}

func (d *Definitions) knows(signature string) bool { return d != nil && d.expander.Knows(signature) }

// expand writes out in q what it calls of the definitions.
func (d *Definitions) expand(q *gojq.Query) *gojq.Query {
	if d == nil {
		return q
	}
	return d.expander.Expand(q)
}

// near is a hint at the definition whose name is like the given one.
func (d *Definitions) near(name string) string {
	if d == nil {
		return ""
	}
	var names []string
	for _, def := range d.defs {
		names = append(names, def.Name)
	}
	return choice.Near(name, names)
}
