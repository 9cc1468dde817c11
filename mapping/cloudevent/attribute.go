package cloudevent

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/ciobridge/ciobridge/event"
)

// maxAttributes bounds the work that the headers of one CloudEvent can cause.
const maxAttributes = 128

// Attribute is an attribute of a CloudEvent that a header carries.
type Attribute struct {
	Header string // its name
	Name   string // the header's, without the prefix; of any case
	Value  []byte
}

// Error says what is wrong with a header.
type Error struct {
	Header string // empty where its name is no plain text
	Detail string
}

// Reader reads the headers of one record after the other, in memory that it keeps.
type Reader struct {
	Attributes  []Attribute
	ContentType Attribute // the header, where there is one

	text []byte // values that had escapes
}

// Read reads the headers of a CloudEvent and reports whether it is in binary mode. In structured mode attributes may
// stand in headers too, but the value counts.
func (r *Reader) Read(headers []event.Header) (binary bool, wrong *Error) {
	if wrong := r.ReadContentType(headers); wrong != nil {
		return false, wrong
	}
	if format, whole := eventFormat(r.ContentType.Value); whole {
		return false, formatError(format)
	}
	r.Attributes, r.text = r.Attributes[:0], r.text[:0]
	for i := range headers {
		h := &headers[i]
		if len(h.Key) <= 3 {
			continue
		}
		a := Attribute{h.Key, h.Key[3:], h.Value}
		switch prefix := h.Key[:3]; {
		case strings.EqualFold(prefix, "ce_"):
		case strings.EqualFold(prefix, "ce-"):
			a.Value = r.unescaped(h.Value)
		default:
			continue
		}
		binary = binary || a.Required()
		if wrong == nil {
			wrong = r.add(a)
		}
	}
	if !binary {
		return false, nil
	}
	return true, wrong
}

// Required reports whether every CloudEvent has the attribute, so that its header makes a record one. Others may have
// been added by whoever carries events.
func (a *Attribute) Required() bool {
	for _, name := range [...]string{"id", "type", "source", "specversion"} {
		if strings.EqualFold(a.Name, name) {
			return true
		}
	}
	return false
}

// ReadContentType reads nothing but the content type.
func (r *Reader) ReadContentType(headers []event.Header) *Error {
	r.ContentType = Attribute{}
	for i := range headers {
		h := &headers[i]
		if !strings.EqualFold(h.Key, "content-type") {
			continue
		}
		a := Attribute{Header: h.Key, Value: h.Value}
		if wrong := a.check(); wrong != nil {
			return wrong
		}
		if r.ContentType.Header != "" {
			wrong := a.repeats(&r.ContentType)
			if wrong != nil && !sameMediaType(a.Value, r.ContentType.Value) {
				return wrong
			}
			continue
		}
		r.ContentType = a
	}
	return nil
}

// add notes an attribute. One that is there twice with the same value is there once.
func (r *Reader) add(a Attribute) *Error {
	if wrong := a.check(); wrong != nil {
		return wrong
	}
	if strings.EqualFold(a.Name, "data") {
		return a.wrong("is none of a CloudEvent: its data is the record's value")
	}
	for i := range r.Attributes {
		if b := &r.Attributes[i]; strings.EqualFold(a.Name, b.Name) {
			return a.repeats(b)
		}
	}
	if len(r.Attributes) == maxAttributes {
		return a.wrong("is one too many: a CloudEvent with more than 128 attributes is not read")
	}
	r.Attributes = append(r.Attributes, a)
	return nil
}

// repeats says what is wrong with a header that is there twice, of which b came first.
func (a *Attribute) repeats(b *Attribute) *Error {
	if bytes.Equal(a.Value, b.Value) {
		return nil
	}
	return a.wrong("is there twice with different values")
}

func (a *Attribute) check() *Error {
	switch {
	case !utf8.ValidString(a.Header):
		return &Error{Detail: "the name of one of the CloudEvent's headers is not UTF-8"}
	case !utf8.Valid(a.Value):
		return a.wrong("is not UTF-8")
	}
	return nil
}

func (a *Attribute) wrong(what string) *Error {
	e := &Error{Header: a.Header, Detail: "the header " + what}
	if strings.ContainsFunc(a.Header, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		e.Header = "" // it goes into the headers of a dead letter, where only a plain name stays what it is
	}
	return e
}

// unescaped decodes the percent-encoding of HTTP headers.
func (r *Reader) unescaped(text []byte) []byte {
	if bytes.IndexByte(text, '%') < 0 {
		return text
	}
	start := len(r.text)
	r.text = appendUnescaped(r.text, text)
	return r.text[start:]
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

// IsBatch reports whether the content type announces a list of events as JSON, or events as JSON at all, and whether it
// announces events.
func (r *Reader) IsBatch() (batch, announced bool) {
	format, whole := eventFormat(r.ContentType.Value)
	return whole && (len(format) > 0 && format[0] == '-' || formatError(format) == nil), whole
}

// formatError says why an event format is not read.
func formatError(format []byte) *Error {
	what := "announces an event format that is not read: publish CloudEvents as JSON, or in binary mode"
	switch {
	case len(format) == 0 || bytes.EqualFold(format, []byte("+json")):
		return nil
	case format[0] == '-':
		what = "announces a batch, and the record's value is not a list of events in JSON"
	}
	return (&Attribute{Header: "content-type"}).wrong(what)
}
