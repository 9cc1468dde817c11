package operand

import (
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping/expr"
)

// Operand is a part of a call.
type Operand interface {
	// Append appends the part to what the Writer holds. After a Problem that is undefined.
	Append(w *Writer) *Problem
}

// Writer is what operands are written with, and into. Its buffers are lent for one call.
type Writer struct {
	Doc      *expr.Document
	Reserved *customerio.Reserved
	Zone     *time.Location // of times that name none

	Body  []byte
	Lanes []event.Lane // of the message; those of the call begin at From

	Workspace event.Lane // that keeps the lanes of workspaces apart

	From int
	Path []byte // the value that stands in the path of the request; empty for none

	// Spare decides whether a call may go without a value that does not fit, and gives the problem back if not.
	Spare func(*Problem) *Problem

	// Tell is told the identifiers of persons that the call names, with their kinds. It may be nil.
	Tell func(person string)

	Apart int // bytes of the body that no limit of the call counts: those of attachments

	text, hash []byte
	entries    int // attributes of the relationship that is being written
	recipients int // addresses of the e-mail that is being written
}

// Begin takes up a call, whose lanes begin where it says.
func (w *Writer) Begin(from int) {
	w.From, w.Path, w.Apart, w.recipients = from, w.Path[:0], 0, 0
}

// Problem is why a call cannot be made.
type Problem struct {
	Reason event.Reason
	Field  string        // of the rule
	Prog   *expr.Program // that gave the value; nil for a literal
	Detail string        // in words that follow the program
	Err    error         // of the program, where that failed; then Reason and Detail are empty
}

// appendMember appends the name of a member and a colon, with a comma where another one stands before it.
func (w *Writer) appendMember(name string) {
	if last := len(w.Body) - 1; last >= 0 && w.Body[last] != '{' && w.Body[last] != '[' {
		w.Body = append(w.Body, ',')
	}
	w.Body = append(w.Body, '"')
	w.Body = append(w.Body, name...)
	w.Body = append(w.Body, `":`...)
}

// AddLane adds the lane of an identifier to those of the call.
func (w *Writer) AddLane(kind customerio.Identifier, text []byte) {
	if kind == customerio.Email {
		w.hash = customerio.AppendFolded(w.hash[:0], text)
		text = w.hash
	}
	if lane := LaneKinds[kind].Of(text) ^ w.Workspace; !slices.Contains(w.Lanes[w.From:], lane) {
		w.Lanes = append(w.Lanes, lane)
		if w.Tell != nil {
			w.Tell(kind.String() + ":" + string(text))
		}
	}
}

func (w *Writer) addLane(lane event.Lane) {
	lane ^= w.Workspace
	if !slices.Contains(w.Lanes[w.From:], lane) {
		w.Lanes = append(w.Lanes, lane)
	}
}

// term is a program, or a literal where prog is nil.
type term struct {
	prog    *expr.Program
	literal expr.Value
}

func (t *term) value(w *Writer, field string) (expr.Value, *Problem) {
	if t.prog == nil {
		return t.literal, nil
	}
	if v, ok := t.prog.Find(w.Doc); ok { // however long it is: a file, for example
		return v, nil
	}
	v, err := t.prog.One(w.Doc)
	if err != nil {
		return expr.Value{}, &Problem{Field: field, Prog: t.prog, Err: err}
	}
	return v, nil
}

func (t *term) problem(reason event.Reason, field, what string) *Problem {
	return &Problem{Reason: reason, Field: field, Prog: t.prog, Detail: what}
}

// absent reports whether a value leaves its place empty.
func absent(v expr.Value) bool { return v.Kind <= expr.Null }

// isEmpty reports whether a value is the text of no length.
func isEmpty(v expr.Value) bool { return v.Kind == expr.String && len(v.Raw) == len(`""`) }
