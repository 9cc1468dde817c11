package mapping

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/mapping/explain"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/operand"
)

// value appends one attribute or datum, with its name before it and a comma after it, or says why it cannot. It is the
// one place where a value is judged, be it of a field that the rule names or of a member of a whole object. Null and no
// output leave a value out. So does an empty attribute, because Customer.io takes that for an order to erase, which is
// given by remove and erase alone.
func (s *state) value(a *action, f *field, v expr.Value, lanes int) *problem {
	if !f.attribute {
		return s.datum(f, v)
	}
	erased := false
	if absent(v) || isEmpty(v) {
		if !f.erase.by(v) {
			return f.absence(v)
		}
		v, erased = document.NullValue, true
	}
	before := len(s.body)
	s.body = append(s.body, f.member...)
	reason, what := event.ReasonInvalidValue, ""
	if f.of != nil {
		what = customerio.CheckNameIn(a.values, f.key)
	}
	switch {
	case what != "":
		what = "has a name that " + what
	case s.entries >= f.room:
		reason, what = event.ReasonTooLarge, fmt.Sprintf("is one attribute too many; Customer.io takes %d in one call",
			customerio.MaxAttributes)
	case erased:
		s.body = append(s.body, v.Raw...)
	case f.kind == customerio.IdentifierAttribute:
		what = s.identifier(f, v, lanes)
	case f.kind == customerio.BooleanAttribute:
		what = customerio.CheckTruth(v.Raw)
		s.body = strconv.AppendBool(s.body, customerio.IsTrue(v.Raw))
	case f.kind == customerio.TimeAttribute:
		var known bool
		if known, what = s.unixSeconds(v); !known && what == "" {
			s.body = s.body[:before]
			return f.noTime()
		}
	default:
		s.body = append(s.body, v.Raw...)
		reason, what = s.checkAttribute(f.kind, v)
		if reason == event.ReasonTooLarge && f.cuts && v.Kind == expr.String {
			s.remarkOnValue(a, explain.ValueCut, f.unfit(reason, what))
			s.body = s.body[:before+len(f.member)]
			s.body = jsontext.AppendString(s.body, customerio.Cut(s.text, customerio.MaxAttributeValueBytes))
			what = ""
		}
	}
	if what != "" {
		s.body = s.body[:before]
		return f.unfit(reason, what)
	}
	if a.values.Texts {
		s.quote(before + len(f.member))
	}
	s.body = append(s.body, ',')
	s.entries++
	return nil
}

// datum appends a value of an event's data. It has no limit of its own but that of all data. What steers the message is
// not sent because it is among the members of an object.
func (s *state) datum(f *field, v expr.Value) *problem {
	switch {
	case absent(v):
		return f.absence(v)
	case f.steers && isEmpty(v):
		return f.absence(v)
	case f.steers && (v.Kind != expr.String || bytes.IndexByte(v.Raw, '@') < 0):
		return f.unfit(event.ReasonInvalidValue, "is no e-mail address, and decides about the message")
	case f.of != nil && customerio.SteersMessage(f.key):
		return f.unfit(event.ReasonInvalidValue, "decides about the message that Customer.io sends: it is sent where "+
			"the rule names it")
	case len(v.Raw) > customerio.MaxEventDataBytes:
		return f.unfit(event.ReasonTooLarge, fmt.Sprintf("is %d bytes; Customer.io takes %d", len(v.Raw),
			customerio.MaxEventDataBytes))
	}
	s.writeAsIs(f, v)
	return nil
}

// writeAsIs appends a value as it is.
func (s *state) writeAsIs(f *field, v expr.Value) {
	s.body = append(append(append(s.body, f.member...), v.Raw...), ',')
}

// absence is the problem of a value that holds nothing, where the field is required.
func (f *field) absence(v expr.Value) *problem {
	switch {
	case !f.required:
		return nil
	case f.value.prog == nil:
		return &problem{reason: event.ReasonMissingField, field: f.name, detail: "is empty"}
	case isEmpty(v):
		return wrong(event.ReasonMissingField, f.name, f.value.prog, "is an empty string")
	}
	return missing(f.value.prog, f.name, v)
}

// quote makes a text of the number or truth that begins there, where Customer.io takes nothing else.
func (s *state) quote(start int) {
	if s.body[start] != '"' {
		s.body = append(slices.Insert(s.body, start, '"'), '"')
	}
}

// noTime is the problem of a time that stands for none, where the field is required.
func (f *field) noTime() *problem {
	if !f.required {
		return nil
	}
	return f.unfit(event.ReasonMissingField, "stands for no time")
}

// isEmpty reports whether a value is the text of no length.
func isEmpty(v expr.Value) bool { return v.Kind == expr.String && len(v.Raw) == len(`""`) }

// identifier appends an attribute that names the person, and adds its lane.
func (s *state) identifier(f *field, v expr.Value, lanes int) (what string) {
	if s.text, what = operand.AppendIdentifier(s.text[:0], f.names, v, s.reserved); what != "" {
		return what
	}
	if f.lane {
		s.addLane(lanes, f.names, s.text)
	}
	s.body = jsontext.AppendString(s.body, s.text)
	return ""
}

// checkAttribute says what is wrong with the value of an attribute that is no identifier.
func (s *state) checkAttribute(kind customerio.AttributeKind, v expr.Value) (event.Reason, string) {
	switch kind {
	case customerio.TruthAttribute:
		return event.ReasonInvalidValue, customerio.CheckTruth(v.Raw)
	case customerio.PreferencesAttribute:
		return event.ReasonInvalidValue, customerio.CheckPreferences(v.Raw)
	case customerio.PlainAttribute, customerio.TextAttribute:
		if kind == customerio.TextAttribute && (v.Kind == expr.Object || v.Kind == expr.Array) {
			return event.ReasonInvalidValue, "is " + document.Article(v.Kind) + "; Customer.io takes only texts here"
		}
		if n := s.length(v); n > customerio.MaxAttributeValueBytes {
			return event.ReasonTooLarge, fmt.Sprintf("is %d bytes; Customer.io takes %d", n,
				customerio.MaxAttributeValueBytes)
		}
	}
	return "", ""
}

// unfit is the problem of a value. The name of a member comes from the event: it is told where nobody but the reader of
// the dead letter sees it, and as far as it reads like the name of an attribute.
func (f *field) unfit(reason event.Reason, what string) *problem {
	if f.of == nil {
		return &problem{reason: reason, field: f.name, detail: f.value.source() + what,
			unfit: f.own != orderNotToMake}
	}
	p := &problem{reason: reason, field: f.of.name, unfit: string(f.key) != orderNotToMake}
	member := "a member"
	if memberPattern.Match(f.key) {
		p.member = string(f.key)
		member = "the member " + p.member
	}
	p.detail = f.of.value.source() + "has a member that does not fit: " + member + " " + what
	return p
}

// orderNotToMake is among the attributes, and is none: a call without it would make a person that it was not to make.
const orderNotToMake = "_update"

var memberPattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_ .-]{0,49}$`)

// setKind finds what Customer.io takes a member of a whole object for. What says who the person is is not erased by an
// object's null.
func (f *field) setKind(in *customerio.Field) {
	f.names, f.erase, f.kind = 0, f.of.erase, customerio.AttributeKindIn(in, f.key)
	if f.kind == customerio.IdentifierAttribute {
		f.names = customerio.ParseIdentifier(string(f.key))
	}
	if f.kind.MustNotVanish() {
		f.erase = 0
	}
	f.strict = f.of.strict || !f.of.told && f.kind.IsConsent()
}

// erase is a set of the ways in which an attribute's value can hold nothing, for which the attribute is erased.
type erase uint8

const (
	eraseNull erase = 1 << iota
	eraseEmpty
)

// by reports whether a value that holds nothing erases its attribute.
func (e erase) by(v expr.Value) bool {
	return v.Kind == expr.Null && e&eraseNull != 0 || v.Kind == expr.String && e&eraseEmpty != 0
}

// source begins a problem's text with the program that gave the value.
func (t *term) source() string {
	if t.prog == nil {
		return ""
	}
	return shortened(t.prog.String()) + " "
}

// length is the length of a value as Customer.io measures it: of a string its text.
func (s *state) length(v expr.Value) int {
	if v.Kind != expr.String {
		return len(v.Raw)
	}
	if n := len(v.Raw) - len(`""`); n <= customerio.MaxAttributeValueBytes {
		return n
	}
	s.text = v.AppendString(s.text[:0])
	return len(s.text)
}

// unixSeconds appends a time as Customer.io takes it for a date. What stands for no time is not known, and appends
// nothing.
func (s *state) unixSeconds(v expr.Value) (known bool, what string) {
	r := expr.TimeReader{}
	if s.envelope != nil { // there is none when a rule is compiled
		r.Zone = s.envelope.zone
	}
	ms, known, what := r.Read(v)
	if known {
		s.body = strconv.AppendInt(s.body, operand.Seconds(ms), 10)
	}
	return known, what
}
