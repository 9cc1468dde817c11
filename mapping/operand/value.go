package operand

import (
	"strconv"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/customerio/sending"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// value is one value of a call.
type value struct {
	field *customerio.Field
	where string
	term
	lane event.LaneKind // of what the call is about; 0 for none
}

// Append writes the value as a member, or keeps its text for the path.
func (o *value) Append(w *Writer) *Problem {
	v, p := o.value(w, o.where)
	before := len(w.Body)
	if p == nil && !absent(v) && !isEmpty(v) {
		var written bool
		if written, p = o.write(w, v); written && p == nil {
			return nil
		}
	}
	w.Body = w.Body[:before]
	switch {
	case p == nil && o.field.Required:
		what := "is " + document.Article(v.Kind)
		if v.Kind > expr.Null {
			what = "is empty"
		}
		return o.problem(event.ReasonMissingField, o.where, what)
	case p == nil || o.field.Required || p.Err != nil || w.Spare == nil:
		return p
	}
	return w.Spare(p)
}

// write writes a value that is there. It is not written where it stands for none.
func (o *value) write(w *Writer, v expr.Value) (written bool, p *Problem) {
	if o.field.Member() != "" {
		w.appendMember(o.field.Member())
	}
	what := ""
	switch o.field.Value {
	case customerio.TextValue, customerio.NumberedText:
		what = o.text(w, v)
	case customerio.TruthValue:
		what = truth(w, v)
	case customerio.TimeValue:
		var ms int64
		r := expr.TimeReader{Zone: w.Zone}
		if ms, written, what = r.Read(v); what == "" && !written {
			return false, nil
		}
		w.Body = strconv.AppendInt(w.Body, Seconds(ms), 10)
	case customerio.PhoneValue:
		what = o.phone(w, v)
	}
	if what != "" {
		return false, o.problem(event.ReasonInvalidValue, o.where, what)
	}
	return true, nil
}

// Seconds are whole unix seconds of milliseconds, the earlier ones where they are not whole.
func Seconds(ms int64) int64 {
	if ms%1000 < 0 {
		return ms/1000 - 1
	}
	return ms / 1000
}

// text writes one text, and says what is wrong with it.
func (o *value) text(w *Writer, v expr.Value) (what string) {
	if w.text, what = appendText(w.text[:0], v); what == "" {
		what = o.field.CheckValue(w.text)
	}
	switch {
	case what != "":
		return what
	case o.field.InPath:
		w.Path = append(w.Path[:0], w.text...)
	case o.field.Value == customerio.NumberedText && v.Kind == expr.Number:
		w.Body = append(w.Body, v.Raw...)
	default:
		w.Body = jsontext.AppendString(w.Body, w.text)
	}
	if o.lane != 0 {
		w.addLane(o.lane.Of(w.text))
	}
	return ""
}

// truth writes true or false, which may be a text or 1 and 0.
func truth(w *Writer, v expr.Value) string {
	if customerio.CheckTruth(v.Raw) != "" {
		return "is neither true nor false"
	}
	w.Body = strconv.AppendBool(w.Body, customerio.IsTrue(v.Raw))
	return ""
}

// phone writes a phone number, in whose person's lane the call waits.
func (o *value) phone(w *Writer, v expr.Value) (what string) {
	if w.text, what = appendText(w.text[:0], v); what != "" {
		return what
	}
	plain, what := sending.CheckPhone(w.text)
	if what != "" {
		return what
	}
	w.Body = jsontext.AppendString(w.Body, w.text)
	if plain && o.prog != nil {
		w.AddLane(customerio.Phone, w.text)
	}
	return ""
}
