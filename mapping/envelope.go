package mapping

import (
	"bytes"
	"fmt"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/record"
)

// open reads the message and its envelope: the document that expressions see as `.`, and the event's type, time and
// identity. A record that holds no event is left out where the topic says so.
func (s *state) open(set *expr.Set) (skip bool, p *problem) {
	binary := false
	if e := s.envelope; e.cloudEvents && s.item == 0 && e.from == nil && (e.each == nil || e.batch) {
		if binary, p = s.readHeaders(); p != nil {
			return false, p
		}
		binary = binary && !s.isWhole(set)
	}
	if none := record.Empty(s.m, s.content, s.where); !binary && none.Operation != "" {
		skip, p = s.nothing(set, none)
	} else {
		skip, p = s.parse(set, binary)
	}
	if p != nil {
		return skip, p
	}
	s.doc.BindFunc("message", s.message)
	if s.record.Kind != expr.Absent {
		s.doc.Bind("record", s.record)
	}
	if s.isChange {
		s.doc.BindFunc("change", s.change)
	}
	if s.operation != "" {
		s.readNothing()
		return false, nil
	}
	if p := s.readType(); p != nil {
		switch kind := s.doc.Root().Kind; {
		case kind == expr.Array && s.envelope.each == nil:
			p.detail += "; envelope: {each: .} reads the events of a list"
		case kind == expr.String && s.envelope.each == nil && s.envelope.from == nil:
			p.detail += "; envelope: {from: .} reads what is in a string"
		}
		return false, p
	}
	s.readTime()
	return false, s.readID()
}

func (s *state) isEmpty() bool { return record.Empty(s.m, s.content, s.where).Operation != "" }

// nothing takes up a record that holds no event, as the topic says.
func (s *state) nothing(set *expr.Set, none record.Nothing) (skip bool, p *problem) {
	if s.topic.onNull != AsEvent {
		return s.topic.onNull == Skip, &problem{reason: event.ReasonUndecodable,
			detail: none.Detail + "; on_null: skip leaves such records out, on_null: event lets rules map them"}
	}
	s.operation = none.Operation
	row := document.NullValue.Raw
	if s.envelope.unavailable != nil {
		row = s.changed(s.changes().Tombstone(s.m))
	}
	if err := s.doc.Parse(set, row); err != nil {
		return false, inputProblem(recordsValue, err)
	}
	return false, nil
}

// readNothing gives a record that holds no event the type that the envelope's own program gives, which may look at
// $message, or that of the deletion that it tells of, or else one that says so. It happened when the record was
// written, and is known by its place.
func (s *state) readNothing() {
	if s.readType() != nil || s.envelope.typ == nil && !s.isChange {
		s.typText = append(append(s.typText[:0], "null."...), s.operation...)
		s.typ = s.typText
	}
	s.eventID = s.appendPlace(s.eventID[:0])
}

func (s *state) parse(set *expr.Set, binary bool) (skip bool, p *problem) {
	if !binary {
		value, err := s.unwrap(s.content)
		if err != nil {
			return s.unwrapProblem(set, err)
		}
		if err := s.doc.Parse(set, value); err != nil {
			return false, s.contentProblem(err)
		}
		if kind := s.doc.Root().Kind; s.envelope.cloudEvents && kind != expr.Object {
			return false, &problem{reason: event.ReasonUndecodable, detail: s.where + " is " +
				document.Article(kind) +
				"; want one CloudEvent as an object, a list of them, or its attributes as headers"}
		}
		if s.envelope.cloudEvents {
			return false, s.decodeData(set, value)
		}
		return false, nil
	}
	return false, s.parseComposed(set)
}

func (s *state) readType() *problem {
	if s.envelope.typ == nil {
		return nil // it came with the document
	}
	v, p := s.one(s.envelope.typ, "type")
	if p != nil {
		return p
	}
	if v.Kind != expr.String {
		return wrong(event.ReasonNoType, "type", s.envelope.typ, "is "+document.Article(v.Kind)+"; want a string")
	}
	if s.typ = v.Raw[1 : len(v.Raw)-1]; bytes.IndexByte(s.typ, '\\') >= 0 {
		s.typText = v.AppendString(s.typText[:0])
		s.typ = s.typText
	}
	if len(s.typ) == 0 {
		return wrong(event.ReasonNoType, "type", s.envelope.typ, "is an empty string")
	}
	return nil
}

// readTime keeps a problem for the rules that have no time of their own, unless the record's time is to count then.
func (s *state) readTime() {
	t, p := s.timeFrom(s.envelope.time, "time")
	if p == nil && !t.known && s.envelope.segment != nil {
		t, p = s.segmentTime(s.envelope.segment)
	}
	if p != nil {
		if s.envelope.timeElse != BrokerTime {
			s.timeProblem = p
		}
	} else if t.known {
		s.eventTime = t
	}
	s.time = s.eventTime
}

// timeFrom runs a program that gives a time; an unknown moment means that it gave none.
func (s *state) timeFrom(prog *expr.Program, field string) (moment, *problem) {
	v, p := s.one(prog, field)
	if p != nil || absent(v) {
		return moment{}, p
	}
	ms, known, what := expr.TimeReader{Zone: s.envelope.zone}.ReadEvent(v)
	if what != "" {
		return moment{}, wrong(event.ReasonInvalidValue, field, prog, what)
	}
	return moment{ms, known}, nil
}

// readID notes the identity that the envelope names. A CloudEvent has one always; for other events a missing one means
// that they are known by their place.
func (s *state) readID() *problem {
	id, p := s.idFrom(s.envelope.id)
	if p != nil || !s.envelope.cloudEvents {
		s.eventID = appendID(s.eventID[:0], id)
		return p
	}
	if len(id) == 0 {
		return &problem{reason: event.ReasonMissingField, field: "id", detail: "a CloudEvent needs an id"}
	}
	s.wide = append(s.wide[:0], id...)
	source, p := s.idFrom(s.envelope.source)
	if p != nil {
		return p
	}
	if len(source) == 0 {
		return &problem{reason: event.ReasonMissingField, field: "source", detail: "a CloudEvent needs a source"}
	}
	s.eventID = appendFramed(appendID(s.eventID[:0], source), s.wide)
	return nil
}

// appendID appends the identity of an event that names one; nothing for an empty id.
func appendID(dst, id []byte) []byte {
	if len(id) == 0 {
		return dst
	}
	return appendFramed(append(dst, byID), id)
}

// idFrom runs a program that gives an identity: a string or an integer, or nothing.
func (s *state) idFrom(prog *expr.Program) ([]byte, *problem) {
	v, p := s.one(prog, "id")
	if p != nil || absent(v) {
		return nil, p
	}
	if v.Kind != expr.String {
		if !v.IsInteger() {
			return nil, wrong(event.ReasonInvalidValue, "id", prog, "is "+unfit(v))
		}
		return v.Raw, nil
	}
	id := v.Raw[1 : len(v.Raw)-1]
	if bytes.IndexByte(id, '\\') >= 0 {
		s.text = v.AppendString(s.text[:0])
		id = s.text
	}
	if len(id) == 0 {
		return nil, wrong(event.ReasonInvalidValue, "id", prog, "is an empty string")
	}
	return id, nil
}

// basis tells where an envelope finds the identity of events.
func (e *envelope) basis() string {
	text := fmt.Sprintf("id %s, source %s, time %s", programText(e.id), programText(e.source), programText(e.time))
	if e.zone != nil {
		text += ", zone " + e.zone.String()
	}
	if e.from != nil {
		text += ", from " + e.from.prog.String()
	}
	if e.each != nil && !e.batch {
		text += ", each " + e.each.prog.String()
	}
	return text
}
