package mapping

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/mapping/expr"
)

// maxHeaders bounds the work that the headers of one record can cause; those after it are left out of $message.
const maxHeaders = 1000

// messageValue makes $message: what the broker says of the record. Topic, partition and offset are there for every
// broker; subject, stream and sequence for JetStream alone, whose stream and sequence topic and offset repeat.
// Operation says in which form the record holds nothing; index is the place of the event among those of its record.
// What is not UTF-8 is left out. Of a header that is there several times the last counts.
func (s *state) messageValue() expr.Value {
	m := &s.m
	b := append(s.meta[:0], `{"partition":`...)
	b = strconv.AppendInt(b, int64(m.Origin.Partition), 10)
	b = append(b, `,"offset":`...)
	b = strconv.AppendInt(b, m.Origin.Offset, 10)
	b = appendName(b, `,"topic":`, m.Origin.Topic)
	if m.Origin.Subject != "" {
		b = appendName(b, `,"subject":`, m.Origin.Subject)
		b = appendName(b, `,"stream":`, m.Origin.Topic)
		b = append(b, `,"sequence":`...)
		b = strconv.AppendInt(b, m.Origin.Offset, 10)
	}
	if m.Key != nil && utf8.Valid(m.Key) {
		b = append(b, `,"key":`...)
		b = jsontext.AppendString(b, m.Key)
	}
	if s.operation != "" {
		b = appendName(b, `,"operation":`, s.operation)
	}
	if s.item > 0 {
		b = strconv.AppendInt(append(b, `,"index":`...), int64(s.item-1), 10)
	}
	if !m.Time.IsZero() {
		b = append(b, `,"time":"`...)
		b = append(m.Time.UTC().AppendFormat(b, time.RFC3339Nano), '"')
	}
	b = append(s.appendHeaders(append(b, `,"headers":`...)), '}')
	s.meta = b
	return expr.Value{Kind: expr.Object, Raw: b}
}

// appendName appends a member whose value is a name that the broker gave; NATS takes any bytes in a subject.
func appendName(b []byte, member, name string) []byte {
	if !utf8.ValidString(name) {
		return b
	}
	return jsontext.AppendString(append(b, member...), []byte(name))
}

func (s *state) appendHeaders(b []byte) []byte {
	b = append(b, '{')
	first := true
	headers := s.m.Headers[:min(len(s.m.Headers), maxHeaders)]
	for i := range headers {
		h := &headers[i]
		if !utf8.ValidString(h.Key) || !utf8.Valid(h.Value) || repeated(headers, i) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(jsontext.AppendString(b, []byte(h.Key)), ':')
		b = jsontext.AppendString(b, h.Value)
	}
	return append(b, '}')
}

// repeated reports whether a later header has the same key.
func repeated(headers []event.Header, i int) bool {
	for _, later := range headers[i+1:] {
		if later.Key == headers[i].Key && utf8.Valid(later.Value) {
			return true
		}
	}
	return false
}
