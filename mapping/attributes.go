package mapping

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/ciobridge/ciobridge/event"
)

// maxAttributes bounds the work that the headers of one CloudEvent can cause.
const maxAttributes = 128

// attribute is an attribute of a CloudEvent that a header carries.
type attribute struct {
	header string // its name
	name   string // the header's, without the prefix; of any case
	value  []byte
}

// readAttributes reads the headers of a CloudEvent and reports whether it is in binary mode. In structured mode
// attributes may stand in headers too, but the value counts.
func (s *state) readAttributes() (binary bool, p *problem) {
	if p := s.readContentType(); p != nil {
		return false, p
	}
	if format, whole := eventFormat(s.contentType.value); whole {
		return false, formatProblem(format)
	}
	s.attributes, s.text = s.attributes[:0], s.text[:0]
	for i := range s.m.Headers {
		h := &s.m.Headers[i]
		if len(h.Key) <= 3 {
			continue
		}
		a := attribute{h.Key, h.Key[3:], h.Value}
		switch prefix := h.Key[:3]; {
		case strings.EqualFold(prefix, "ce_"):
		case strings.EqualFold(prefix, "ce-"):
			a.value = s.unescaped(h.Value)
		default:
			continue
		}
		binary = binary || a.required()
		if p == nil {
			p = s.addAttribute(a)
		}
	}
	if !binary {
		return false, nil
	}
	return true, p
}

// required reports whether every CloudEvent has the attribute, so that its header makes a record one. Others may have
// been added by whoever carries events.
func (a *attribute) required() bool {
	for _, name := range [...]string{"id", "type", "source", "specversion"} {
		if strings.EqualFold(a.name, name) {
			return true
		}
	}
	return false
}

func (s *state) readContentType() *problem {
	s.contentType = attribute{}
	for i := range s.m.Headers {
		h := &s.m.Headers[i]
		if !strings.EqualFold(h.Key, "content-type") {
			continue
		}
		a := attribute{header: h.Key, value: h.Value}
		if p := a.check(); p != nil {
			return p
		}
		if s.contentType.header != "" {
			if p := a.repeats(&s.contentType); p != nil && !sameMediaType(a.value, s.contentType.value) {
				return p
			}
			continue
		}
		s.contentType = a
	}
	return nil
}

// addAttribute notes an attribute. One that is there twice with the same value is there once.
func (s *state) addAttribute(a attribute) *problem {
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
		return &problem{reason: event.ReasonUndecodable,
			detail: "the name of one of the CloudEvent's headers is not UTF-8"}
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

// unescaped decodes the percent-encoding of HTTP headers.
func (s *state) unescaped(text []byte) []byte {
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

// eventFormat gives what follows application/cloudevents in a content type, such as +json, and reports whether it
// begins so. Some clients write header values as JSON, in quotes.
func eventFormat(contentType []byte) (format []byte, whole bool) {
	const prefix = "application/cloudevents"
	t := bytes.TrimSpace(bytes.Trim(bytes.TrimSpace(contentType), `"`))
	if len(t) < len(prefix) || !bytes.EqualFold(t[:len(prefix)], []byte(prefix)) {
		return nil, false
	}
	format, _, _ = bytes.Cut(t[len(prefix):], []byte(";"))
	return bytes.TrimSpace(format), true
}

// sameMediaType reports whether two content types differ in nothing but parameters, quotes, blanks and case.
func sameMediaType(a, b []byte) bool {
	return bytes.EqualFold(mediaType(a), mediaType(b))
}

func mediaType(contentType []byte) []byte {
	name, _, _ := bytes.Cut(bytes.Trim(contentType, `" 	`), []byte(";"))
	return bytes.Trim(name, `" 	`)
}

// formatProblem says why an event format is not read.
func formatProblem(format []byte) *problem {
	what := "announces an event format that is not read: publish CloudEvents as JSON, or in binary mode"
	switch {
	case len(format) == 0 || bytes.EqualFold(format, []byte("+json")):
		return nil
	case format[0] == '-':
		what = "announces a batch, and the record's value is not a list of events in JSON"
	}
	return (&attribute{header: "content-type"}).problem(what)
}
