package mapping

import (
	"bytes"
	"strings"

	"github.com/ciobridge/ciobridge/customerio"
)

// CloudEvents come in two modes. Structured: the value is the whole event as JSON, and the content type says so. Binary: the
// value is the data, and the attributes are headers: ce_type over Kafka, ce-type over NATS, where they are percent-encoded as
// in HTTP. A binary event is put together as the structured one would look, so that the same rules read both.

// structured reports whether the content type announces a whole event.
func (s *scratch) structured() bool {
	for i := range s.m.Headers {
		h := &s.m.Headers[i]
		if strings.EqualFold(h.Key, "content-type") {
			const whole = "application/cloudevents"
			return len(h.Value) >= len(whole) && bytes.EqualFold(h.Value[:len(whole)], []byte(whole))
		}
	}
	return false
}

// compose writes a binary event as one object: the attributes from the headers, then the data.
func (s *scratch) compose() []byte {
	b := append(s.composed[:0], '{')
	for i := range s.m.Headers {
		h := &s.m.Headers[i]
		switch {
		case strings.EqualFold(h.Key, "content-type"):
			b = append(b, `"datacontenttype":`...)
			b = customerio.AppendString(b, h.Value)
		case len(h.Key) > 3 && strings.EqualFold(h.Key[:3], "ce_"):
			b = s.attribute(b, h.Key[3:], h.Value)
		case len(h.Key) > 3 && strings.EqualFold(h.Key[:3], "ce-"):
			s.text = appendUnescaped(s.text[:0], h.Value)
			b = s.attribute(b, h.Key[3:], s.text)
		default:
			continue
		}
		b = append(b, ',')
	}
	if value := bytes.TrimSpace(s.m.Value); len(value) > 0 {
		b = append(b, `"data":`...)
		b = append(b, value...)
	} else if b[len(b)-1] == ',' {
		b = b[:len(b)-1]
	}
	s.composed = append(b, '}')
	return s.composed
}

// attribute appends a member whose name is in lower case, as CloudEvents have it.
func (s *scratch) attribute(b []byte, name string, value []byte) []byte {
	s.hash = customerio.AppendFolded(s.hash[:0], []byte(name))
	b = append(customerio.AppendString(b, s.hash), ':')
	return customerio.AppendString(b, value)
}

// composedAsMeant reports whether the data is one value of the composed object, and not the end of that object and more.
func (s *scratch) composedAsMeant() bool {
	value := bytes.TrimSpace(s.m.Value)
	if len(value) == 0 {
		return true
	}
	data, err := s.envelope.data.One(&s.doc)
	return err == nil && len(data.Raw) == len(value)
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
