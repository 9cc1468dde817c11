package operand

import (
	"bytes"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// LaneKinds are the kinds of lanes of a person's identifiers.
var LaneKinds = func() (kinds [customerio.AnonymousID + 1]event.LaneKind) {
	for i := customerio.ID; i <= customerio.AnonymousID; i++ {
		kinds[i] = event.LaneKindOf(i.String())
	}
	return kinds
}()

var cioPrefix = []byte("cio_")

// AppendIdentifier appends the text of a person's identifier: a string as it is, an integer as it is written. It says
// what is wrong with any other value.
func AppendIdentifier(dst []byte, kind customerio.Identifier, v expr.Value, reserved *customerio.Reserved) (
	text []byte, what string) {
	start := len(dst)
	if dst, what = appendText(dst, v); what != "" {
		return dst, what
	}
	if kind == customerio.CioID && bytes.HasPrefix(dst[start:], cioPrefix) {
		dst = append(dst[:start], dst[start+len(cioPrefix):]...)
	}
	what = customerio.CheckIdentifier(kind, dst[start:])
	if what == "" && reserved.Has(dst[start:]) {
		what = "stands for no person, as null and 0 do; customerio.reserved_ids can allow it"
	}
	return dst, what
}

// appendText appends a string as it is, and an integer as it is written.
func appendText(dst []byte, v expr.Value) (text []byte, what string) {
	switch {
	case v.Kind == expr.String:
		return v.AppendString(dst), ""
	case string(v.Raw) == "-0":
		return append(dst, '0'), ""
	case v.IsInteger():
		return append(dst, v.Raw...), ""
	case v.Kind == expr.Number:
		return dst, "is a number with a fraction or exponent; want a string or an integer"
	}
	return dst, "is " + document.Article(v.Kind) + "; want a string or an integer"
}

// person is a person beside the one that a call is about.
type person struct {
	field *customerio.Field
	where string
	from  []identifier
}

// identifier is one way to name a person.
type identifier struct {
	kind customerio.Identifier
	prog *expr.Program
}

const samePerson = "names the same person as the other side"

// Append writes the first identifier that is present as an object with one member.
func (p *person) Append(w *Writer) *Problem {
	if p.field.Within() != "" {
		w.appendMember(p.field.Within())
	}
	for i := range p.from {
		from := &p.from[i]
		t := term{prog: from.prog}
		v, problem := t.value(w, p.where)
		if problem != nil {
			return problem
		}
		if absent(v) || len(p.from) > 1 && isEmpty(v) {
			continue
		}
		var what string
		if w.text, what = AppendIdentifier(w.text[:0], from.kind, v, w.Reserved); what != "" {
			return t.problem(event.ReasonInvalidValue, p.where, what)
		}
		named := len(w.Lanes)
		if p.field.Lanes {
			w.AddLane(from.kind, w.text)
		}
		if p.field.Kind == customerio.OtherPersonField && len(w.Lanes) == named {
			return t.problem(event.ReasonInvalidValue, p.where, samePerson)
		}
		w.Body = append(w.Body, '{')
		w.appendMember(from.kind.String())
		w.Body = append(jsontext.AppendString(w.Body, w.text), '}')
		return nil
	}
	if len(p.from) == 1 {
		return (&term{prog: p.from[0].prog}).problem(event.ReasonMissingField, p.where, "is absent or null")
	}
	return &Problem{Reason: event.ReasonMissingField, Field: p.where, Detail: "none of the identifiers is present"}
}
