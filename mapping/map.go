package mapping

import (
	"fmt"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping/explain"
	"github.com/ciobridge/ciobridge/mapping/expr"
)

// Map turns a message into calls, and into failures where it cannot. Every rule and every call of a rule stands for
// itself: one that fails does not hold the others. The result shares no memory with the message. Where it is empty the
// message is told why.
func (r *Rules) Map(m *event.Message) ([]event.Call, []event.Failure) {
	s := r.get(m, r.replay)
	defer r.put(s)
	r.run(s)
	if len(s.calls) == 0 && len(s.failures) == 0 {
		m.Skip = s.skip
	}
	return s.result(), s.failures
}

// Explanation is what a message becomes, and why it does not become more.
type Explanation struct {
	Calls    []event.Call
	Failures []event.Failure
	Remarks  []explain.Remark

	Conditions []explain.Asked // that were asked, in that order
}

// Explain is Map for people who want to know. It takes longer.
func (r *Rules) Explain(m event.Message) Explanation {
	s := r.get(&m, r.replay)
	s.explains = true
	defer r.put(s)
	r.run(s)
	return Explanation{s.result(), s.failures, append(s.remarks, s.reasons...), s.conditions}
}

func (c *compiled) run(s *state) {
	c.chooseTopic(s)
	if s.m.Unreadable() != "" {
		s.failEvent(&problem{reason: event.ReasonUndecodable, detail: s.m.Unreadable()})
		return
	}
	if s.envelope.from == nil && s.envelope.each == nil {
		c.event(s)
		return
	}
	p := c.events(s, func() *problem {
		c.event(s)
		if !s.explains {
			s.remarks = s.remarks[:0] // they are counted, and the next event begins anew
		}
		return s.tooMuch()
	})
	if p != nil {
		s.failRecord(p)
	}
}

// failRecord fails the record as a whole, in place of whatever its events became.
func (s *state) failRecord(p *problem) {
	s.rollBack(savepoint{})
	s.begin(0, s.payload())
	s.failEvent(p)
}

// event reads one event and applies the rules to it.
func (c *compiled) event(s *state) {
	if skip, p := s.open(c.set); p != nil {
		if !skip {
			s.failEvent(p)
			return
		}
		c.skipped(s, event.SkippedNoEvent)
		s.remark(explain.Remark{Why: explain.NoEvent, Reason: p.reason, Detail: p.detail})
		return
	}
	if !s.provided {
		c.pool.provide(s, len(s.doc.Root().Raw))
	}
	rules, exact := c.exact[string(s.typ)]
	if !exact {
		rules = c.globs
	}
	calls, failures, why := len(s.calls), len(s.failures), event.SkippedNoRule
	for _, rule := range rules {
		if exact || rule.names(s.typ) {
			why = max(why, s.apply(rule))
		}
	}
	if len(s.calls) > calls || len(s.failures) > failures {
		return
	}
	if why == event.SkippedNoRule {
		c.unnamed(s)
		if c.onUnmatched == DeadLetter {
			s.failEvent(&problem{reason: event.ReasonUnmatched, field: "type",
				detail: "no rule names the event's type"})
			return
		}
	}
	c.skipped(s, why)
}

// unnamed counts an event whose type no rule names.
func (c *compiled) unnamed(s *state) {
	var ms int64
	if !s.m.Time.IsZero() {
		ms = millis(s.m.Time)
	}
	c.unmatched.Add(s.stripe, s.typ, ms)
	if s.explains {
		var patterns []string
		for _, r := range c.rules {
			patterns = append(patterns, r.patterns...)
		}
		s.remark(explain.Remark{Why: explain.NoRule, Detail: explain.Unnamed(shortened(string(s.typ)), patterns)})
	}
}

// chooseTopic finds the message's topic, which is mostly that of the message before it.
func (c *compiled) chooseTopic(s *state) {
	if s.topic == nil || s.topicName != s.m.Origin.Topic {
		s.topic, s.topicName = c.topic(s.m.Origin.Topic), s.m.Origin.Topic
	}
	s.envelope = &s.topic.envelope
}

// Forms are those of the values and keys of a topic or stream, as the configuration says.
func (r *Rules) Forms(topic string) event.Forms { return r.topic(topic).forms }

// HasTopic reports whether the configuration has a topic or stream of this name, or a pattern that matches it.
func (r *Rules) HasTopic(name string) bool { return r.topic(name) != r.other }

func (c *compiled) topic(name string) *topic {
	if t, ok := c.topics[name]; ok {
		return t
	}
	for _, t := range c.listed {
		if t.regexp != nil && t.regexp.MatchString(name) || t.regexp == nil && matches(t.pattern, name) {
			return t
		}
	}
	return c.other
}

// noRule stands for the rule in the identity of an event that failed before any rule.
var noRule = &action{key: keyOf("", "", "")}

func (s *state) failEvent(p *problem) { s.fail(noRule, -1, p) }

// Event is what a message tells of its event by the envelope of its topic, before any rule.
type Event struct {
	Type string
	// Time is in whole milliseconds. Where the envelope names none it is that of the record, and zero if there is none.
	Time time.Time
	ID   string // as the envelope names it; empty where the event is known by its place in the broker
}

// EnvelopeError says why a message cannot be read as its envelope wants. It quotes nothing of the message.
type EnvelopeError struct {
	Reason event.Reason
	Field  string // of the envelope; empty where the message cannot be read at all
	Detail string
}

// Error tells the reason and the detail.
func (e *EnvelopeError) Error() string { return fmt.Sprintf("%s: %s", e.Reason, e.Detail) }

// Inspect reads the envelope of a message, and no more: of the event with that number, where the message is several.
// The error is an *EnvelopeError; a record that holds no event has one as well.
func (r *Rules) Inspect(m event.Message, item int) (e Event, err error) {
	s := r.get(&m, r.replay)
	defer r.put(s)
	r.chooseTopic(s)
	found := false
	p := r.events(s, func() (p *problem) {
		if s.item == item {
			found = true
			e, p = s.inspect(r.set)
		}
		return p
	})
	if p == nil && !found {
		p = &problem{reason: event.ReasonUndecodable, detail: "the record holds no event of that number"}
	}
	if p != nil {
		return Event{}, &EnvelopeError{Reason: p.reason, Field: p.field, Detail: p.detail}
	}
	return e, nil
}

func (s *state) inspect(set *expr.Set) (Event, *problem) {
	_, p := s.open(set)
	if p == nil {
		p = s.timeProblem
	}
	if p != nil {
		return Event{}, p
	}
	e := Event{Type: string(s.typ)}
	if s.eventTime.known {
		e.Time = time.UnixMilli(s.eventTime.ms)
	}
	id, p := s.idFrom(s.envelope.id)
	e.ID = string(id)
	return e, p
}

// MatchesType reports whether a type of event fits a pattern as rules write it, in which * stands for any run of
// characters.
func MatchesType(pattern, eventType string) bool { return matches(pattern, eventType) }

// giveUp says why an action should not go on to its next item, or nil. It bounds what one event can cost: calls, dead
// letters, which hold the whole event each, and time.
func (s *state) giveUp(before savepoint, last *problem) *problem {
	switch {
	case last != nil && last.slow:
		return last.ofList("an item failed: ")
	case len(s.failures)-before.failures > maxFailures:
		return last.ofList("more than 100 items failed; the last: ")
	case len(s.remarks)-before.remarks > maxCalls:
		return &problem{reason: event.ReasonTooLarge, field: "each",
			detail: "more than 10,000 values of the event do not fit, or conditions do not hold"}
	case len(s.calls)-s.start.calls > maxCalls || len(s.body)-s.start.body > maxBytes:
		return &problem{reason: event.ReasonTooLarge, field: "each",
			detail: "the event becomes more than 10,000 calls or 8 MiB"}
	}
	return nil
}

// ofList is the problem of an item as one of its list, which a replay knows by its field: it asks for all items then.
func (p problem) ofList(words string) *problem {
	p.field, p.detail = "each", words+p.field+": "+p.detail
	return &p
}
