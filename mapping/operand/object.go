package operand

import (
	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/jsontext"
)

// object names an object.
type object struct {
	field    *customerio.Field
	where    string
	typ, id  term
	cio      bool // id is a cio_object_id
	ofOneTyp bool // the type is a literal, and kind that of its lanes
	kind     event.LaneKind
}

var cioObjectLane = event.LaneKindOf("cio_object_id")

// Append writes an object with the identifiers.
func (o *object) Append(w *Writer) *Problem {
	if o.field.Within() != "" {
		w.appendMember(o.field.Within())
	}
	w.Body = append(w.Body, '{')
	kind := o.kind
	if !o.cio {
		w.appendMember("object_type_id")
		if p := o.text(w, &o.typ, "type"); p != nil {
			return p
		}
		if what := customerio.CheckObjectType(w.text); what != "" {
			return o.typ.problem(event.ReasonInvalidValue, o.where+".type", what)
		}
		if !o.ofOneTyp {
			kind = ObjectLaneKind(string(w.text))
		}
		w.Body = jsontext.AppendString(w.Body, w.text)
	}
	member, key := "object_id", "id"
	if o.cio {
		member, key = "cio_object_id", "cio_object_id"
	}
	w.appendMember(member)
	if p := o.text(w, &o.id, key); p != nil {
		return p
	}
	what := customerio.CheckIdentifier(customerio.ID, w.text)
	if what == "" && w.Reserved.Has(w.text) {
		what = "stands for nothing, as null and 0 do; customerio.reserved_ids can allow it"
	}
	if what != "" {
		return o.id.problem(event.ReasonInvalidValue, o.where+"."+key, what)
	}
	if o.field.Lanes {
		w.addLane(kind.Of(w.text))
	}
	w.Body = append(jsontext.AppendString(w.Body, w.text), '}')
	return nil
}

// text leaves the text of an identifier in the writer.
func (o *object) text(w *Writer, t *term, key string) *Problem {
	where := o.where + "." + key
	v, p := t.value(w, where)
	switch {
	case p != nil:
		return p
	case absent(v):
		return t.problem(event.ReasonMissingField, where, "is absent or null")
	}
	var what string
	if w.text, what = appendText(w.text[:0], v); what != "" {
		return t.problem(event.ReasonInvalidValue, where, what)
	}
	return nil
}

// ObjectLaneKind is the kind of lanes of the objects of a type.
func ObjectLaneKind(typ string) event.LaneKind { return event.LaneKindOf("object/" + typ) }
