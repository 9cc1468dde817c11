package expr

import (
	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/expr/jq"
	"github.com/ciobridge/ciobridge/mapping/expr/limits"
	"github.com/ciobridge/ciobridge/mapping/expr/projection"
)

// Program is one compiled expression. It belongs to the Set that compiled it, and is safe for use by several
// goroutines, each with a Document of its own.
//
// Set.Compile decides once how it runs: on the fast path, where every part of it has a form there, or else on gojq. A
// Program that is a path and nothing else has its value found by the pass over the document already, and One gives
// that. Otherwise the Document is the memory of the run: One and Each start it with new fuel, and it ends with the last
// output or with an EvalError.
type Program struct {
	src  string
	at   int32 // the id of the place, of a program that is a path and nothing else; else document.Nowhere
	fast *expr // nil where the program runs on gojq

	heads []*expr // the paths that the program begins with; none where it begins with anything else
	jq    *jq.Program

	projection *projection.Projection // what a program on gojq reads of the document

	warnings []string
}

// Warnings names the parts of the program that fail whatever the event is.
func (p *Program) Warnings() []string { return p.warnings }

// String is the program as it was written.
func (p *Program) String() string { return p.src }

// OnFastPath reports whether the program runs on the raw bytes, without gojq.
func (p *Program) OnFastPath() bool { return p.fast != nil }

// Path is the program as it was written where it is a plain path such as .data.items[0].sku, and empty for any other,
// and for nil.
func (p *Program) Path() string {
	if p == nil || p.fast == nil || !p.fast.isPath() {
		return ""
	}
	return p.src
}

// MayHoldNull reports whether a null may stand in what the program gives. It is false only for a path into a document
// without one.
func (p *Program) MayHoldNull(d *Document) bool { return p.at == document.Nowhere || d.doc.HasNull() }

// Missing reports whether the program is a path, or pipes what a path leads to into something, and the path leads to
// nothing in the document; of .a // .b and its like, whether no path leads to anything. Then null is what the program
// gave because of that, and not what the document says. A member that is null is not missing.
func (p *Program) Missing(d *Document) bool {
	for _, head := range p.heads {
		if _, there := d.find(head); there {
			return false
		}
	}
	return len(p.heads) > 0
}

// One runs the program and gives its output: Kind Absent where there was none. An error is an *EvalError; a second
// output is one of Kind SeveralOutputs.
func (p *Program) One(d *Document) (Value, error) {
	if v, ok := d.doc.At(p.at); ok && len(v.Raw) <= limits.MaxOutput {
		return v, nil
	}
	return p.one(d)
}

// Find gives the value at the place in the document that the program is the path to, however long that value is. It is
// not ok where the program is more than a path, and where the document has nothing there.
func (p *Program) Find(d *Document) (v Value, ok bool) { return d.doc.At(p.at) }

// one is One for all but paths to values that are there.
func (p *Program) one(d *Document) (out Value, err error) {
	if e := p.fast; e != nil {
		if e.op == opCompareTo && e.l.op == opPath {
			return d.eval(e, Value{}) // makes nothing that has a limit
		}
		return d.runOne(e)
	}
	err = d.runJQ(p, func(v Value) error {
		if out.Kind != Absent {
			return errSeveral
		}
		out = v
		return nil
	})
	if err != nil {
		return Value{}, err
	}
	return out, nil
}

// Each runs the program and yields its outputs in order, until one gives an error, which Each returns as it is. Any
// other error is an *EvalError.
func (p *Program) Each(d *Document, yield func(Value) error) error {
	if p.fast != nil {
		return d.runAll(p.fast, yield)
	}
	return d.runJQ(p, yield)
}

var errSeveral = &limits.EvalError{Kind: limits.SeveralOutputs,
	Reason: "gave more than one output; wrap it in first(…) or [ … ] to get one"}
