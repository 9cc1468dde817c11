package mapping

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/mapping/explain"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/operand"
)

// person finds the first identifier that is present and leaves its text in who. Where there are others an empty text is
// not present: it is what producers write for want of an identifier.
func (s *state) person(a *action) (*person, *problem) {
	for i := range a.person {
		p := &a.person[i]
		v, err := p.prog.One(&s.doc)
		if err != nil {
			return nil, evalProblem(p.prog, a.personField.Key, err)
		}
		if absent(v) || len(a.person) > 1 && isEmpty(v) {
			continue
		}
		var what string
		if s.who, what = operand.AppendIdentifier(s.who[:0], p.kind, v, s.reserved); what != "" {
			return nil, wrong(event.ReasonInvalidValue, a.personField.Key, p.prog, what)
		}
		return p, nil
	}
	if len(a.person) > 1 {
		return nil, &problem{reason: event.ReasonMissingField, field: a.personField.Key,
			detail: "none of the identifiers is present"}
	}
	return nil, wrong(event.ReasonMissingField, a.personField.Key, a.person[0].prog, "is absent or null")
}

// addLane adds the lane of an identifier to those of the call, which begin at from.
func (s *state) addLane(from int, kind customerio.Identifier, text []byte) {
	if kind == customerio.Email {
		s.hash = customerio.AppendFolded(s.hash[:0], text)
		text = s.hash
	}
	lane := operand.LaneKinds[kind].Of(text) ^ s.workspace
	if !slices.Contains(s.lanes[from:], lane) {
		s.lanes = append(s.lanes, lane)
		if s.tells {
			s.persons = append(s.persons, kind.String()+":"+string(text))
		}
	}
}

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

// writeParts writes a call that is made of parts.
func (s *state) writeParts(a *action, c *pending) *problem {
	if a.request != nil {
		return s.ownRequest(a, c)
	}
	start, lanes := len(s.body), len(s.lanes)
	s.stamped, s.whoKind, s.id = moment{}, 0, c.id
	s.writer.Begin(lanes)
	for _, write := range a.parts {
		if p := write(s, a); p != nil {
			return p
		}
	}
	if !a.op.Shared && s.body[start+1] == ',' { // the first member of a request's body
		s.body = append(s.body[:start+1], s.body[start+2:]...)
	}
	if most := a.op.MaxBytes() + s.writer.Apart; len(s.body)-start > most {
		if n := len(a.op.Limited(s.body[start:])); n > most {
			return &problem{reason: event.ReasonTooLarge, detail: fmt.Sprintf(
				"the call is %d bytes; Customer.io takes %d", n-s.writer.Apart, most-s.writer.Apart)}
		}
	}
	if s.stamped.known && a.latest != nil && !s.replay {
		a.counts[s.stripe].stamped(s.stamped, s.m.Time, a.latest.overtakes(s.lanes[lanes], s.stamped.unix()))
	}
	switch {
	case a.paths != nil:
		c.single = a.paths[s.whoKind]
	case a.op.Path != "":
		c.single = &event.Request{Method: http.MethodPost, Path: a.op.RequestPath(s.writer.Path, s.whoKind),
			Destination: event.Destination(a.op.Endpoints[0].In(a.number)), Shared: a.op.Shared}
	}
	return nil
}

// personPart appends the person whom a call is about.
func (s *state) personPart(a *action) *problem {
	who, p := s.person(a)
	if p != nil {
		return p
	}
	s.whoKind = who.kind
	if a.personField.Lanes {
		s.addLane(s.writer.From, who.kind, s.who)
	}
	s.body = jsontext.AppendString(append(s.body, who.head...), s.who)
	return nil
}

// operand has an operand append its part to the state's buffers.
func (s *state) operand(a *action, o operand.Operand) *problem {
	w := &s.writer
	w.Doc, w.Reserved, w.Zone, w.Body, w.Lanes, s.sparing = &s.doc, s.reserved, s.envelope.zone, s.body, s.lanes, a
	w.Workspace = s.workspace
	if w.Spare == nil {
		w.Spare = s.spareOperand
		if s.tells {
			w.Tell = func(person string) { s.persons = append(s.persons, person) }
		}
	}
	q := o.Append(w)
	s.body, s.lanes, w.Body, w.Lanes = w.Body, w.Lanes, nil, nil
	return operandProblem(q)
}

func operandProblem(q *operand.Problem) *problem {
	switch {
	case q == nil:
		return nil
	case q.Err != nil:
		return evalProblem(q.Prog, q.Field, q.Err)
	case q.Prog != nil:
		return wrong(q.Reason, q.Field, q.Prog, q.Detail)
	}
	return &problem{reason: q.Reason, field: q.Field, detail: q.Detail}
}

// spareOperand leaves a value out that does not fit, as on_invalid says. Where nothing is said, no message goes without
// it: what is sent cannot be taken back.
func (s *state) spareOperand(q *operand.Problem) *operand.Problem {
	if policy := s.sparing.onInvalid; policy == DeadLetter || policy == "" && s.sparing.op.Once {
		return q
	}
	s.remarkOnValue(s.sparing, explain.ValueLeftOut, operandProblem(q))
	return nil
}
