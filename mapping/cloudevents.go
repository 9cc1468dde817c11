package mapping

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/mapping/cloudevent"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/record"
)

// CloudEvents come in two modes, as the bindings for Kafka and NATS have them. Structured: the value is the whole event
// as JSON. Binary: the value is the data, and the attributes are headers: ce_type over Kafka, ce-type over NATS, where
// they are percent-encoded as in HTTP. A content type that begins with application/cloudevents announces the structured
// mode; without one, headers of required attributes mean the binary mode, unless the value is that very event, and a
// record that has none can only be the whole event, or a list of whole events, which the bindings do not have. A binary
// event is put together as the structured one would look, so that the same rules read both.

// cloudEvents prepares the envelope for CloudEvents, and gives the programs that it stands for.
func (b *compiler) cloudEvents(out *envelope, e Envelope) Envelope {
	out.cloudEvents = true
	out.source = b.program(Term{Program: ".source"}, "envelope")
	out.data = b.program(Term{Program: ".data"}, "envelope")
	out.encoded = b.program(Term{Program: ".data_base64"}, "envelope")
	e.Type, e.Time, e.ID = Term{Program: ".type"}, Term{Program: ".time"}, Term{Program: ".id"}
	if out.batch = e.Each.IsZero() && e.From.IsZero(); out.batch {
		e.Each = Term{Program: "."}
	}
	return e
}

// readHeaders reads the headers of a CloudEvent and reports whether it is in binary mode.
func (s *state) readHeaders() (binary bool, p *problem) {
	binary, wrong := s.headers.Read(s.m.Headers)
	if wrong != nil {
		p = &problem{reason: event.ReasonUndecodable, field: shortened(wrong.Header), detail: wrong.Detail}
	}
	return binary, p
}

// isWhole reports whether the value is the event that the headers announce, and not its data: some clients write its
// attributes beside the whole event, for those who filter by headers, and no content type.
func (s *state) isWhole(set *expr.Set) bool {
	value := s.payload()
	if !bytes.Contains(value, versionKey) || s.doc.Parse(set, value) != nil || s.doc.Root().Kind != expr.Object ||
		document.MemberOf(s.doc.Root().Raw, "specversion").Kind != expr.String {
		return false
	}
	for i := range s.headers.Attributes {
		a := &s.headers.Attributes[i]
		if !a.Required() {
			continue
		}
		v := document.MemberOf(s.doc.Root().Raw, strings.ToLower(a.Name))
		if v.Kind != expr.String || string(v.AppendString(nil)) != string(a.Value) {
			return false
		}
	}
	return true
}

var versionKey = []byte(`"specversion"`)

// parseComposed reads an event in binary mode. Data that is no JSON, and that nothing says is JSON, is given as the
// structured mode has it: as text, or in base64.
func (s *state) parseComposed(set *expr.Set) *problem {
	value := record.TrimSpace(s.payload())
	err := s.doc.Parse(set, s.compose(value))
	switch {
	case err == nil && s.composedAsMeant():
		return nil
	case !s.dataIsJSON():
		if err := s.doc.Parse(set, s.compose(nil)); err != nil {
			return inputProblem("the event, made of the record's headers and value", err)
		}
		return nil
	case err == nil:
		return &problem{reason: event.ReasonUndecodable, detail: recordsValue + ": not one JSON value"}
	}
	return s.composedProblem(set, err)
}

// compose writes a binary event as one object: the attributes from the headers, then the data. The content type is that
// of the data; a header ce_datacontenttype, which the bindings do not have, counts where there is no other.
func (s *state) compose(data []byte) []byte {
	b := append(s.composed[:0], '{')
	if s.headers.ContentType.Header != "" {
		b = append(b, `"datacontenttype":`...)
		b = append(jsontext.AppendString(b, s.headers.ContentType.Value), ',')
	}
	for i := range s.headers.Attributes {
		a := &s.headers.Attributes[i]
		if s.headers.ContentType.Header != "" && strings.EqualFold(a.Name, "datacontenttype") {
			continue
		}
		s.hash = customerio.AppendFolded(s.hash[:0], []byte(a.Name)) // attributes have names in lower case
		b = append(jsontext.AppendString(b, s.hash), ':')
		b = append(jsontext.AppendString(b, a.Value), ',')
	}
	switch value := s.payload(); {
	case len(data) > 0:
		b = append(append(b, `"data":`...), data...)
	case len(record.TrimSpace(value)) > 0:
		b = appendData(b, value)
	default:
		b = b[:len(b)-1] // the last comma: there is one attribute at least
	}
	s.composed = append(b, '}')
	return s.composed
}

// composedAsMeant reports whether the data is one value of the composed object, and not the end of that object and
// more.
func (s *state) composedAsMeant() bool {
	value := record.TrimSpace(s.payload())
	if len(value) == 0 {
		return true
	}
	data, err := s.envelope.data.One(&s.doc)
	return err == nil && len(data.Raw) == len(value)
}

// composedProblem says why a composed event cannot be read: because of the record's value, nearly always.
func (s *state) composedProblem(set *expr.Set, err error) *problem {
	own := s.doc.Parse(set, s.payload())
	if own == nil {
		return inputProblem("the event, made of the record's headers and value", err)
	}
	p := inputProblem(recordsValue, own)
	return p
}

// appendData appends the member for data that is no JSON.
func appendData(b, data []byte) []byte {
	if utf8.Valid(data) {
		return jsontext.AppendString(append(b, `"data":`...), data)
	}
	b = base64.StdEncoding.AppendEncode(append(b, `"data_base64":"`...), data)
	return append(b, '"')
}

var encodedKey = []byte(`"data_base64"`)

// decodeData puts data that an event in structured mode has in base64 where rules look for data: as JSON, or as text.
// What is neither stays where it is.
func (s *state) decodeData(set *expr.Set, value []byte) *problem {
	if !bytes.Contains(value, encodedKey) {
		return nil
	}
	encoded, err := s.envelope.encoded.One(&s.doc)
	if err != nil || encoded.Kind != expr.String || !s.envelope.data.Missing(&s.doc) {
		return nil
	}
	data, err := base64.StdEncoding.AppendDecode(nil, encoded.AppendString(nil))
	if err != nil || len(data) == 0 || !utf8.Valid(data) {
		return nil
	}
	b := bytes.Clone(bytes.TrimSuffix(record.TrimSpace(value), []byte("}")))
	b = append(b, ',')
	if s.doc.Parse(set, data) == nil {
		b = append(append(b, `"data":`...), data...)
	} else {
		b = appendData(b, data)
	}
	if s.doc.Parse(set, append(b, '}')) == nil {
		return nil
	}
	if err := s.doc.Parse(set, value); err != nil { // with its data it would be too long or too deep
		return s.contentProblem(err)
	}
	return nil
}

// isEventBatch reports whether the content is a list of events, rather than an event in binary mode whose data is one.
func (s *state) isEventBatch() bool {
	if text := record.TrimSpace(s.content); len(text) == 0 || text[0] != '[' {
		return false
	}
	if s.headers.ReadContentType(s.m.Headers) != nil {
		return false // what is wrong is said when the event is read
	}
	if batch, announced := s.headers.IsBatch(); announced {
		return batch
	}
	for i := range s.m.Headers {
		key := s.m.Headers[i].Key
		if len(key) <= 3 || !strings.EqualFold(key[:2], "ce") || key[2] != '_' && key[2] != '-' {
			continue
		}
		if (&cloudevent.Attribute{Name: key[3:]}).Required() {
			return false
		}
	}
	return true
}

// dataIsJSON reports whether nothing says that the data of an event in binary mode is anything but JSON.
func (s *state) dataIsJSON() bool {
	dataType := s.headers.ContentType.Value
	for i := range s.headers.Attributes {
		if len(dataType) == 0 && strings.EqualFold(s.headers.Attributes[i].Name, "datacontenttype") {
			dataType = s.headers.Attributes[i].Value
		}
	}
	return len(dataType) == 0 || bytes.Contains(bytes.ToLower(dataType), []byte("json"))
}
