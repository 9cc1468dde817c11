package mapping

import (
	"bytes"
	"errors"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping/connect"
	"github.com/ciobridge/ciobridge/mapping/debezium"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/record"
)

// The envelopes by name.
const (
	plainEnvelope       = "plain"
	cloudEventsEnvelope = "cloudevents"
	segmentEnvelope     = "segment"
	debeziumEnvelope    = "debezium"
	connectEnvelope     = "connect"
)

var envelopes = []string{plainEnvelope, cloudEventsEnvelope, segmentEnvelope, debeziumEnvelope, connectEnvelope}

// builtIn is what an envelope has that programs cannot say. At most one of its parts is there.
type builtIn struct {
	segment     *segmentTimes
	unavailable *debezium.Placeholder // of Debezium
	connect     bool
	batch       bool // each is there for the batches of Segment or CloudEvents, and not written
}

// segmentTimes are the places of the times that a message of Segment has beside its timestamp.
type segmentTimes struct{ original, sent, received *expr.Program }

// builtIn prepares an envelope, and gives the programs that it stands for in place of those that were not written.
func (b *compiler) builtIn(e Envelope) (builtIn, Envelope) {
	var out builtIn
	standard := Envelope{Type: Term{Program: ".type"}}
	program := func(src string) *expr.Program { return b.program(Term{Program: src}, "envelope") }
	switch e.Name {
	case segmentEnvelope:
		standard.Time, standard.ID = Term{Program: ".timestamp"}, Term{Program: ".messageId"}
		standard.Each, out.batch = Term{Program: ".batch"}, e.Each.IsZero()
		if e.Time.IsZero() {
			out.segment = &segmentTimes{program(".originalTimestamp"), program(".sentAt"), program(".receivedAt")}
		}
	case debeziumEnvelope:
		standard.Type = Term{}
		out.unavailable = debezium.NewPlaceholder(e.Unavailable)
	case connectEnvelope:
		standard.Time = Term{Program: ".time"}
		out.connect = true
	default: // programs of the configuration's own say all there is
		if e.Type.IsZero() {
			standard.Time = Term{Program: ".time"}
		}
	}
	for _, t := range []struct{ written, standard *Term }{
		{&e.Type, &standard.Type}, {&e.Time, &standard.Time}, {&e.ID, &standard.ID}, {&e.Each, &standard.Each},
	} {
		if t.written.IsZero() {
			*t.written = *t.standard
		}
	}
	return out, e
}

// unwrap gives the document that rules see of a record's value. What Debezium tells of type and time is noted.
func (s *state) unwrap(value []byte) ([]byte, error) {
	e := &s.envelope.builtIn
	switch {
	case e.connect:
		if s.wrapper == nil {
			s.wrapper = &connect.Wrapper{}
		}
		v, err := s.wrapper.Open(value)
		if err == nil && v.Kind == expr.Null {
			err = debezium.ErrTombstone
		}
		return v.Raw, err
	case e.unavailable != nil:
		c, err := s.changes().Read(s.m, value, e.unavailable)
		if err != nil {
			return nil, err
		}
		return s.changed(c), nil
	}
	return value, nil
}

func (s *state) changes() *debezium.Reader {
	if s.debezium == nil {
		s.debezium = &debezium.Reader{}
	}
	return s.debezium
}

// changed notes what a change tells of its type and time, and gives its row.
func (s *state) changed(c debezium.Change) []byte {
	s.typ, s.isChange = c.Type, true
	if c.Time > 0 {
		s.eventTime = moment{c.Time, true}
		s.time = s.eventTime
	}
	return c.Row
}

var batchKey = []byte(`"batch"`)

// isBatch reports whether the content is a batch of Segment or of CloudEvents rather than one message. Most messages
// are told by a look.
func (s *state) isBatch() bool {
	if s.envelope.cloudEvents {
		return s.isEventBatch()
	}
	if !bytes.Contains(s.content, batchKey) || s.within.each.Parse(s.envelope.each.set, s.content) != nil {
		return false
	}
	v, ok := s.envelope.each.prog.Find(&s.within.each)
	return ok && v.Kind == expr.Array
}

// unwrapProblem words what is wrong with a record within its envelope; skip says that it tells nothing of data.
func (s *state) unwrapProblem(set *expr.Set, err error) (skip bool, p *problem) {
	var mark *debezium.Mark
	var form *debezium.FormError
	p = s.contentProblem(err)
	switch {
	case errors.Is(err, debezium.ErrTombstone):
		return s.nothing(set, record.Null(p.detail))
	case errors.As(err, &mark):
		return true, p
	case errors.As(err, &form) && form.Type:
		p.reason, p.field = event.ReasonNoType, "type"
	}
	return false, p
}

// changeValue makes $change.
func (s *state) changeValue() expr.Value {
	s.changeText = s.debezium.AppendChange(s.changeText[:0])
	return expr.Value{Kind: expr.Object, Raw: s.changeText}
}

// segmentTime is the time of a message that has no timestamp: the time by the sender's clock, corrected by what that
// was wrong when it sent, where the message tells when it was received.
func (s *state) segmentTime(e *segmentTimes) (moment, *problem) {
	var times [3]moment
	for i, prog := range []*expr.Program{e.original, e.sent, e.received} {
		var p *problem
		if times[i], p = s.timeFrom(prog, "time"); p != nil {
			return moment{}, p
		}
	}
	original, sent, received := times[0], times[1], times[2]
	switch {
	case original.known && sent.known && received.known:
		return moment{original.ms + received.ms - sent.ms, true}, nil
	case original.known:
		return original, nil
	case received.known:
		return received, nil
	}
	return sent, nil
}
