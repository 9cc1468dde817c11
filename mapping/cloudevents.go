package mapping

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping/expr"
)

// CloudEvents come in two modes, as the bindings for Kafka and NATS have them. Structured: the value is the whole event as JSON.
// Binary: the value is the data, and the attributes are headers: ce_type over Kafka, ce-type over NATS, where they are
// percent-encoded as in HTTP. A content type that begins with application/cloudevents announces the structured mode; without
// one, headers of attributes mean the binary mode, and a record that has none of them can only be the whole event. A binary
// event is put together as the structured one would look, so that the same rules read both.

// maxAttributes bounds the work that the headers of one CloudEvent can cause.
const maxAttributes = 128

// attribute is an attribute of a CloudEvent that a header carries.
type attribute struct {
	header string // its name
	name   string // the header's, without the prefix; of any case
	value  []byte
}

// readAttributes reads the headers of a CloudEvent and reports whether it is in binary mode.
func (s *scratch) readAttributes() (binary bool, p *problem) {
	s.attributes, s.text, s.contentType = s.attributes[:0], s.text[:0], attribute{}
	for i := range s.m.Headers {
		h := &s.m.Headers[i]
		switch {
		case len(h.Key) > 3 && strings.EqualFold(h.Key[:3], "ce_"):
			p = s.addAttribute(attribute{h.Key, h.Key[3:], h.Value})
		case len(h.Key) > 3 && strings.EqualFold(h.Key[:3], "ce-"):
			p = s.addAttribute(attribute{h.Key, h.Key[3:], s.unescaped(h.Value)})
		case strings.EqualFold(h.Key, "content-type"):
			a := attribute{header: h.Key, value: h.Value}
			if p = a.check(); p == nil && s.contentType.header != "" {
				p = a.repeats(&s.contentType)
			}
			s.contentType = a
		}
		if p != nil {
			return false, p
		}
	}
	if format, whole := eventFormat(s.contentType.value); whole {
		return false, formatProblem(format)
	}
	return len(s.attributes) > 0, nil
}

// addAttribute notes an attribute. One that is there twice with the same value is there once.
func (s *scratch) addAttribute(a attribute) *problem {
	if p := a.check(); p != nil {
		return p
	}
	if strings.EqualFold(a.name, "data") {
		return a.problem("is none of a CloudEvent: its data is the record's value")
	}
	for i := range s.attributes {
		if b := &s.attributes[i]; strings.EqualFold(a.name, b.name) {
			return a.repeats(b)
		}
	}
	if len(s.attributes) == maxAttributes {
		return a.problem("is one too many: a CloudEvent with more than 128 attributes is not read")
	}
	s.attributes = append(s.attributes, a)
	return nil
}

// repeats says what is wrong with a header that is there twice, of which b came first.
func (a *attribute) repeats(b *attribute) *problem {
	if bytes.Equal(a.value, b.value) {
		return nil
	}
	return a.problem("is there twice with different values")
}

func (a *attribute) check() *problem {
	switch {
	case !utf8.ValidString(a.header):
		return &problem{reason: event.ReasonUndecodable, detail: "the name of one of the CloudEvent's headers is not UTF-8"}
	case !utf8.Valid(a.value):
		return a.problem("is not UTF-8")
	}
	return nil
}

func (a *attribute) problem(what string) *problem {
	p := &problem{reason: event.ReasonUndecodable, field: shortened(a.header), detail: "the header " + what}
	if strings.ContainsFunc(a.header, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		p.field = "" // it goes into the headers of a dead letter, where only a plain name stays what it is
	}
	return p
}

// eventFormat gives what follows application/cloudevents in a content type, such as +json, and reports whether it begins so. Some
// clients write header values as JSON, in quotes.
func eventFormat(contentType []byte) (format []byte, whole bool) {
	const prefix = "application/cloudevents"
	t := bytes.TrimSpace(bytes.Trim(bytes.TrimSpace(contentType), `"`))
	if len(t) < len(prefix) || !bytes.EqualFold(t[:len(prefix)], []byte(prefix)) {
		return nil, false
	}
	format, _, _ = bytes.Cut(t[len(prefix):], []byte(";"))
	return bytes.TrimSpace(format), true
}

// formatProblem says why an event format is not read.
func formatProblem(format []byte) *problem {
	what := "announces an event format that is not read: publish CloudEvents as JSON, or in binary mode"
	switch {
	case len(format) == 0 || bytes.EqualFold(format, []byte("+json")):
		return nil
	case format[0] == '-':
		what = "announces a batch, which CloudEvents over Kafka and NATS do not have: publish each event by itself"
	}
	return (&attribute{header: "content-type"}).problem(what)
}

// compose writes a binary event as one object: the attributes from the headers, then the data. The content type is that of the
// data; a header ce_datacontenttype, which the bindings do not have, counts where there is no other.
func (s *scratch) compose() []byte {
	b := append(s.composed[:0], '{')
	if s.contentType.header != "" {
		b = append(b, `"datacontenttype":`...)
		b = append(customerio.AppendString(b, s.contentType.value), ',')
	}
	for i := range s.attributes {
		a := &s.attributes[i]
		if s.contentType.header != "" && strings.EqualFold(a.name, "datacontenttype") {
			continue
		}
		s.hash = customerio.AppendFolded(s.hash[:0], []byte(a.name)) // attributes have names in lower case
		b = append(customerio.AppendString(b, s.hash), ':')
		b = append(customerio.AppendString(b, a.value), ',')
	}
	if value := trimSpace(s.m.Value); len(value) > 0 {
		b = append(b, `"data":`...)
		b = append(b, value...)
	} else {
		b = b[:len(b)-1] // the last comma: there is one attribute at least
	}
	s.composed = append(b, '}')
	return s.composed
}

// composedAsMeant reports whether the data is one value of the composed object, and not the end of that object and more.
func (s *scratch) composedAsMeant() bool {
	value := trimSpace(s.m.Value)
	if len(value) == 0 {
		return true
	}
	data, err := s.envelope.data.One(&s.doc)
	return err == nil && len(data.Raw) == len(value)
}

// composedProblem says why a composed event cannot be read: because of the record's value, nearly always.
func (s *scratch) composedProblem(set *expr.Set, err error) *problem {
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
func (s *scratch) dataIsJSON() bool {
	dataType := s.contentType.value
	for i := range s.attributes {
		if len(dataType) == 0 && strings.EqualFold(s.attributes[i].name, "datacontenttype") {
			dataType = s.attributes[i].value
		}
	}
	return len(dataType) == 0 || bytes.Contains(bytes.ToLower(dataType), []byte("json"))
}

// unescaped decodes the percent-encoding of HTTP headers.
func (s *scratch) unescaped(text []byte) []byte {
	if bytes.IndexByte(text, '%') < 0 {
		return text
	}
	start := len(s.text)
	s.text = appendUnescaped(s.text, text)
	return s.text[start:]
}

// appendUnescaped decodes the percent-encoding of HTTP headers; a percent sign that begins no escape stays.
func appendUnescaped(dst, text []byte) []byte {
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if hi, lo := unhex(text[i+1]), unhex(text[i+2]); hi < 16 && lo < 16 {
				dst = append(dst, hi<<4|lo)
				i += 2
				continue
			}
		}
		dst = append(dst, text[i])
	}
	return dst
}

func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 0xff
}
