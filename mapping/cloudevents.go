package mapping

import (
	"bytes"
	"strings"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/record"
)

// CloudEvents come in two modes, as the bindings for Kafka and NATS have them. Structured: the value is the whole event
// as JSON. Binary: the value is the data, and the attributes are headers: ce_type over Kafka, ce-type over NATS, where
// they are percent-encoded as in HTTP. A content type that begins with application/cloudevents announces the structured
// mode; without one, headers of required attributes mean the binary mode, and a record that has none can only be the
// whole event. A binary event is put together as the structured one would look, so that the same rules read both.

// compose writes a binary event as one object: the attributes from the headers, then the data. The content type is that
// of the data; a header ce_datacontenttype, which the bindings do not have, counts where there is no other.
func (s *state) compose() []byte {
	b := append(s.composed[:0], '{')
	if s.contentType.header != "" {
		b = append(b, `"datacontenttype":`...)
		b = append(jsontext.AppendString(b, s.contentType.value), ',')
	}
	for i := range s.attributes {
		a := &s.attributes[i]
		if s.contentType.header != "" && strings.EqualFold(a.name, "datacontenttype") {
			continue
		}
		s.hash = customerio.AppendFolded(s.hash[:0], []byte(a.name)) // attributes have names in lower case
		b = append(jsontext.AppendString(b, s.hash), ':')
		b = append(jsontext.AppendString(b, a.value), ',')
	}
	if value := record.TrimSpace(s.m.Value); len(value) > 0 {
		b = append(b, `"data":`...)
		b = append(b, value...)
	} else {
		b = b[:len(b)-1] // the last comma: there is one attribute at least
	}
	s.composed = append(b, '}')
	return s.composed
}

// composedAsMeant reports whether the data is one value of the composed object, and not the end of that object and
// more.
func (s *state) composedAsMeant() bool {
	value := record.TrimSpace(s.m.Value)
	if len(value) == 0 {
		return true
	}
	data, err := s.envelope.data.One(&s.doc)
	return err == nil && len(data.Raw) == len(value)
}

// composedProblem says why a composed event cannot be read: because of the record's value, nearly always.
func (s *state) composedProblem(set *expr.Set, err error) *problem {
	own := s.doc.Parse(set, s.m.Value)
	if own == nil {
		return inputProblem("the event, made of the record's headers and value", err)
	}
	p := inputProblem(recordsValue, own)
	if p.reason == event.ReasonUndecodable && !s.dataIsJSON() {
		p.detail += "; its content type is not JSON, and no other data is read"
	}
	return p
}

// dataIsJSON reports whether nothing says that the data of an event in binary mode is anything but JSON.
func (s *state) dataIsJSON() bool {
	dataType := s.contentType.value
	for i := range s.attributes {
		if len(dataType) == 0 && strings.EqualFold(s.attributes[i].name, "datacontenttype") {
			dataType = s.attributes[i].value
		}
	}
	return len(dataType) == 0 || bytes.Contains(bytes.ToLower(dataType), []byte("json"))
}
