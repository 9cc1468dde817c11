package mapping

import "github.com/ciobridge/ciobridge/event"

// Map turns a message into calls, and into failures where it cannot. Every rule and every call of a rule stands for
// itself: one that fails does not hold the others. The result shares no memory with the message.
func (r *Rules) Map(m event.Message) ([]event.Call, []event.Failure) {
	s := r.get(&m, r.replay)
	defer r.put(s)
	r.run(s)
	return s.result(), s.failures
}

func (c *compiled) run(s *state) {
	c.chooseTopic(s)
	if skip, p := s.open(c.set); p != nil {
		if !skip {
			s.failEvent(p)
		}
		return
	}
	c.pool.provide(s)
	rules, exact := c.exact[string(s.typ)]
	if !exact {
		rules = c.globs
	}
	matched := false
	for _, rule := range rules {
		if exact || rule.names(s.typ) {
			matched = true
			s.apply(rule)
		}
	}
	if !matched && c.unmatched == DeadLetter {
		s.failEvent(&problem{reason: event.ReasonUnmatched, field: "type", detail: "no rule names the event's type"})
	}
}

// chooseTopic finds the message's topic, which is mostly that of the message before it.
func (c *compiled) chooseTopic(s *state) {
	if s.topic == nil || s.topicName != s.m.Origin.Topic {
		s.topic, s.topicName = c.topic(s.m.Origin.Topic), s.m.Origin.Topic
	}
	s.envelope = &s.topic.envelope
}

func (c *compiled) topic(name string) *topic {
	if t, ok := c.topics[name]; ok {
		return t
	}
	for _, t := range c.listed {
		if matches(t.pattern, name) {
			return t
		}
	}
	return c.other
}

// noRule stands for the rule in the identity of an event that failed before any rule.
var noRule = &action{key: keyOf("", "", "")}

func (s *state) failEvent(p *problem) { s.fail(noRule, -1, p) }
