package expr

import (
	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/expr/limits"
	"github.com/ciobridge/ciobridge/mapping/expr/projection"
)

// Document is one parsed message, and what runs of programs on it share. It is reusable, keeps its memory, and is not
// for concurrent use; callers keep a pool.
//
// Its life is a sequence of messages. Parse takes the next one, and forgets the values, variables and text of the one
// before. Bind and BindFunc then set variables, and programs run, each with fuel of its own. What they make is appended
// to the arena and is valid until the next Parse. All runs on one message together have a limit too, so that an
// expression which is run for each element of a long list cannot take minutes.
type Document struct {
	doc document.Document

	arena  []byte      // text made by programs
	limit  int         // how long the arena may become in this run
	fuel   limits.Fuel // of this run
	used   int         // steps of all runs on the document
	carry  int         // steps with which the next document begins
	stack  []Value     // parts of values that are being made
	vars   []variable
	inputs []input // for gojq, made when they are first needed
}

// input is what programs on gojq read of the document.
type input struct {
	of    *projection.Projection
	value any
}

// maxKept is how much memory for text a document keeps for the next one.
const maxKept = 256 << 10

type variable struct {
	name  string
	value Value
	make  func() Value // not nil until the value was asked for
}

// Parse validates raw and notes the place of every value that the programs of s want. It reads raw once and keeps it:
// raw must not change while the document is in use. Values given out before and variables bound before become
// invalid. An error is an *InputError.
func (d *Document) Parse(s *Set, raw []byte) error {
	if cap(d.arena) > maxKept {
		d.arena = nil
	}
	clear(d.inputs)
	d.used, d.carry = d.carry, 0
	d.arena, d.vars, d.inputs = d.arena[:0], d.vars[:0], d.inputs[:0]
	return d.doc.Parse(s.places, raw)
}

// Carry has the next document count as a part of this one for what all runs may use together. It may use a little more
// for being one more.
func (d *Document) Carry() { d.carry = max(0, d.used-limits.MaxUsed/1000) }

// Root is the whole document.
func (d *Document) Root() Value { return d.doc.Root() }

// Bind sets the variable $name for the evaluations that follow, until it is bound again or the document is parsed
// again. A variable that is not bound is null.
func (d *Document) Bind(name string, v Value) { *d.variable(name) = variable{name: name, value: v} }

// BindFunc is Bind for a value that is made when a program first reads it.
func (d *Document) BindFunc(name string, f func() Value) {
	*d.variable(name) = variable{name: name, make: f}
}

func (d *Document) variable(name string) *variable {
	for i := range d.vars {
		if d.vars[i].name == name {
			return &d.vars[i]
		}
	}
	d.vars = append(d.vars, variable{name: name})
	return &d.vars[len(d.vars)-1]
}

// Variable is the value of a variable, null where it is not bound.
func (d *Document) Variable(name string) Value { return d.lookup(name) }

// lookup gives the value of a variable, null where it is not bound.
func (d *Document) lookup(name string) Value {
	v := d.variable(name)
	if v.make != nil {
		v.value, v.make = v.make(), nil
	}
	if v.value.Kind == Absent {
		return document.NullValue
	}
	return v.value
}
