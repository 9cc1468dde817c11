package mapping

import (
	"bytes"
	"fmt"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// personAttribute appends one attribute of a person with a comma after it. Null and no output leave it out; so does an
// empty string, because Customer.io takes that for an order to erase, and only remove erases.
func (s *state) personAttribute(f *field, v expr.Value, lanes int) *problem {
	if absent(v) || v.Kind == expr.String && len(v.Raw) == len(`""`) {
		return nil
	}
	s.body = append(s.body, f.member...)
	what := ""
	reason := event.ReasonInvalidValue
	switch f.kind {
	case customerio.IdentifierAttribute:
		if s.text, what = s.appendIdentifier(s.text[:0], f.names, v); what == "" {
			if f.lane {
				s.addLane(lanes, f.names, s.text)
			}
			s.body = append(jsontext.AppendString(s.body, s.text), ',')
			return nil
		}
	case customerio.TimeAttribute:
		what = checkUnixValue(v)
	case customerio.TruthAttribute:
		what = checkTruth(v)
	case customerio.PlainAttribute:
		if n := s.length(v); n > customerio.MaxAttributeValueBytes {
			reason = event.ReasonTooLarge
			what = fmt.Sprintf("is %d bytes; Customer.io takes %d", n, customerio.MaxAttributeValueBytes)
		}
	}
	if what != "" {
		return &problem{reason: reason, field: f.name, detail: f.value.source() + what}
	}
	s.body = append(append(s.body, v.Raw...), ',')
	return nil
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

// checkUnixValue refuses what Customer.io would store and not treat as a date, or replace by now.
func checkUnixValue(v expr.Value) string {
	_, problem := expr.ParseTime(v)
	if _, ok := v.Int64(); !ok && problem == "" {
		return "is " + document.Article(v.Kind) + "; want unix seconds: use unix"
	}
	return problem
}

// checkTruth refuses what Customer.io would take for false without saying so.
func checkTruth(v expr.Value) string {
	text := bytes.Trim(v.Raw, `"`)
	for _, known := range truths {
		if bytes.EqualFold(text, known) {
			return ""
		}
	}
	return "is neither true nor false"
}

var truths = [][]byte{[]byte("true"), []byte("false"), []byte("1"), []byte("0")}
