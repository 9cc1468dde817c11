package operand

import (
	"errors"
	"fmt"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// relationships are the relationships of one call.
type relationships struct {
	field *customerio.Field
	all   []relationship
}

type relationship struct {
	where      string
	each       *expr.Program
	other      Operand // the side that is not the call's own
	attributes []attribute
}

type attribute struct {
	where    string
	name     string
	member   []byte // the name as JSON, with its colon
	value    term
	whole    bool
	required bool
}

// Append writes the list. Without any relationship the member is left out.
func (r *relationships) Append(w *Writer) *Problem {
	before := len(w.Body)
	w.appendMember(r.field.Member())
	w.Body = append(w.Body, '[')
	start := len(w.Body)
	for i := range r.all {
		if p := r.all[i].append(w); p != nil {
			return p
		}
	}
	if len(w.Body) > start {
		w.Body = append(w.Body, ']')
		return nil
	}
	w.Body = w.Body[:before]
	if !r.field.Required {
		return nil
	}
	return &Problem{Reason: event.ReasonMissingField, Field: r.field.Key, Detail: "there is no relationship"}
}

func (r *relationship) append(w *Writer) *Problem {
	if r.each == nil {
		return r.one(w)
	}
	var p *Problem
	err := r.each.Each(w.Doc, func(v expr.Value) error {
		w.Doc.Bind("item", v)
		if p = r.one(w); p != nil {
			return errStop
		}
		return nil
	})
	if p == nil && err != nil {
		p = &Problem{Field: r.where + ".each", Prog: r.each, Err: err}
	}
	return p
}

var errStop = errors.New("a relationship cannot be made")

func (r *relationship) one(w *Writer) *Problem {
	if w.Body[len(w.Body)-1] == '}' {
		w.Body = append(w.Body, ',')
	}
	w.Body = append(w.Body, `{"identifiers":`...)
	if p := r.other.Append(w); p != nil {
		return p
	}
	if len(r.attributes) > 0 {
		if p := r.appendAttributes(w); p != nil {
			return p
		}
	}
	if len(w.Body) > customerio.MaxItemBytes*2 {
		return &Problem{Reason: event.ReasonTooLarge, Field: r.where, Detail: fmt.Sprintf(
			"the relationships of the call are over %d bytes", customerio.MaxItemBytes)}
	}
	w.Body = append(w.Body, '}')
	return nil
}

func (r *relationship) appendAttributes(w *Writer) *Problem {
	before := len(w.Body)
	w.appendMember("relationship_attributes")
	w.Body = append(w.Body, '{')
	start := len(w.Body)
	w.entries = 0
	for i := range r.attributes {
		if p := r.attributes[i].append(w); p != nil {
			return p
		}
	}
	if len(w.Body) == start {
		w.Body = w.Body[:before]
		return nil
	}
	w.Body[len(w.Body)-1] = '}'
	return nil
}

func (a *attribute) append(w *Writer) *Problem {
	v, p := a.value.value(w, a.where)
	switch {
	case p != nil:
		return p
	case absent(v) || isEmpty(v):
		if a.required {
			return a.value.problem(event.ReasonMissingField, a.where, "is "+document.Article(v.Kind))
		}
		return nil
	case !a.whole:
		return a.one(w, a.member, a.name, v)
	case v.Kind != expr.Object:
		return a.value.problem(event.ReasonInvalidValue, a.where, "is "+document.Article(v.Kind)+"; want an object")
	}
	for members := expr.MembersOf(v); members.Next(); {
		if absent(members.Value) || isEmpty(members.Value) {
			continue
		}
		name := string(expr.AppendUnquoted(nil, members.Key))
		if p := a.one(w, members.Head, name, members.Value); p != nil {
			return p
		}
	}
	return nil
}

// one appends one attribute, and a comma.
func (a *attribute) one(w *Writer, member []byte, name string, v expr.Value) *Problem {
	reason, what := event.ReasonInvalidValue, ""
	switch long := a.length(w, v); {
	case a.whole && customerio.CheckPlainName(name) != "":
		what = "has a member whose name " + customerio.CheckPlainName(name)
	case w.entries >= customerio.MaxAttributes:
		reason, what = event.ReasonTooLarge, fmt.Sprintf("is one attribute too many; Customer.io takes %d of a "+
			"relationship", customerio.MaxAttributes)
	case long > customerio.MaxAttributeValueBytes:
		reason, what = event.ReasonTooLarge, fmt.Sprintf("is %d bytes; Customer.io takes %d", long,
			customerio.MaxAttributeValueBytes)
	}
	if what != "" {
		p := a.value.problem(reason, a.where, what)
		if a.required || w.Spare == nil {
			return p
		}
		return w.Spare(p)
	}
	w.Body = append(append(append(w.Body, member...), v.Raw...), ',')
	w.entries++
	return nil
}

// length is the length of a value as Customer.io measures it: of a string its text.
func (a *attribute) length(w *Writer, v expr.Value) int {
	if v.Kind != expr.String || len(v.Raw) <= customerio.MaxAttributeValueBytes {
		return len(v.Raw)
	}
	w.text = v.AppendString(w.text[:0])
	return len(w.text)
}

func newAttribute(where string, from Attribute) attribute {
	return attribute{where: where, name: from.Name, member: append([]byte(jsontext.Of(from.Name)), ':'),
		whole: from.Whole, required: from.Required}
}
