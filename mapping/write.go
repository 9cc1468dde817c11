package mapping

import (
	"bytes"
	"fmt"
	"net/http"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/mapping/explain"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// name appends the name of an event, page or screen, and says where it stands.
func (s *state) name(a *action) (span, *problem) {
	if a.named != nil {
		s.body = append(s.body, a.named...)
		return span{len(s.body) - len(a.name.literal.Raw), len(s.body)}, nil
	}
	s.body = a.nameField.AppendMember(s.body)
	start := len(s.body)
	v, p := s.one(a.name.prog, a.nameField.Key)
	if p != nil {
		return span{}, p
	}
	if absent(v) {
		return span{}, missing(a.name.prog, a.nameField.Key, v)
	}
	var what string
	if s.body, what = s.appendName(s.body, a, v); what != "" {
		return span{}, &problem{reason: event.ReasonInvalidValue, field: a.nameField.Key, detail: what}
	}
	return span{start, len(s.body)}, nil
}

// appendName appends a name as JSON, trimmed as Customer.io would trim it, and says what is wrong with one it would
// refuse.
func (s *state) appendName(dst []byte, a *action, v expr.Value) ([]byte, string) {
	if v.Kind != expr.String {
		return dst, "the name is " + document.Article(v.Kind) + "; want a string"
	}
	s.text = v.AppendString(s.text[:0])
	name := bytes.Trim(s.text, " ")
	if what := a.nameField.CheckName(name); what != "" {
		cut := a.nameField.CutName(name)
		if a.onInvalid != Truncate || a.name.prog == nil || a.nameField.CheckName(cut) != "" {
			return dst, what
		}
		p := &problem{reason: event.ReasonTooLarge, field: a.nameField.Key, detail: what}
		s.remarkOnValue(a, explain.ValueCut, p)
		name = cut
	}
	return jsontext.AppendString(dst, name), ""
}

// timestamp appends the time that a call carries. Of identify it is the one that the rule asks for, and in a replay the
// event's where that gives none.
func (s *state) timestamp(a *action) (t moment, p *problem) {
	if a.timestamp != nil {
		if t, p = s.timeFrom(a.timestamp, "timestamp"); p != nil {
			return t, p
		}
	}
	when := a.op.Timestamp
	carries := a.eventTime || when == customerio.EventTime || s.replay && when == customerio.ReplayTime
	if !t.known && carries {
		t = s.time
	}
	if t.known {
		s.body = s.appendTimestamp(s.body, t.unix())
	}
	return t, nil
}

// appendTimestamp appends the member timestamp. Neighbouring events mostly have the same second.
func (s *state) appendTimestamp(dst []byte, unix int64) []byte {
	if unix != s.second || len(s.stamp) == 0 {
		s.second, s.stamp = unix, customerio.AppendTimestamp(s.stamp[:0], unix)
	}
	return append(dst, s.stamp...)
}

// single writes an event that is too large for a batch as a request of its own, where v1 can carry it.
func (s *state) single(a *action, c *pending, kind customerio.Identifier, start int, name, data span) *problem {
	tooLarge := func(field, format string, args ...any) *problem {
		return &problem{reason: event.ReasonTooLarge, field: field, detail: fmt.Sprintf(format, args...)}
	}
	size, key := data.end-data.start, ""
	if a.values != nil {
		key = a.values.Key
	}
	switch {
	case !a.op.GoesAlone():
		return tooLarge(key, "the call is %d bytes; Customer.io takes %d", len(s.body)-start, customerio.MaxItemBytes)
	case size > customerio.MaxEventDataBytes:
		return tooLarge(key, "the data is %d bytes; Customer.io takes %d", size, customerio.MaxEventDataBytes)
	}
	e := customerio.SingleEvent{
		Operation: a.op, Person: kind, Text: s.who,
		Name: s.body[name.start:name.end], ID: c.id.AppendTo(nil), Data: s.body[data.start:data.end],
	}
	if s.time.known {
		e.Unix = s.time.unix()
	}
	path := e.Path()
	if path == "" {
		return tooLarge(key, "the call is over %d bytes, and the endpoint for larger ones cannot name a person by "+
			"this %s", customerio.MaxItemBytes, kind)
	}
	s.wide = e.AppendTo(s.wide[:0])
	s.body = append(s.body[:start], s.wide...)
	c.single = &event.Request{
		Method: http.MethodPost, Path: path, Destination: event.Destination(customerio.Single.In(a.number)),
	}
	return nil
}
