package mapping

import (
	"errors"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// problem is why a call, a rule or an event failed.
type problem struct {
	reason event.Reason
	field  string
	detail string
	slow   bool          // a program ran into its time limit
	took   time.Duration // then: how long it had computed
}

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

func (s *state) fail(a *action, item int, p *problem) {
	if p.slow {
		s.overran = max(s.overran, p.took, 1)
	}
	s.failures = append(s.failures, event.Failure{
		ID:     s.callID(a, item),
		Stage:  event.StageMapping,
		Reason: p.reason,
		Rule:   a.Rule,
		Call:   a.Call,
		Field:  p.field,
		Detail: p.detail,
	})
}

// one runs a program that must not give more than one output. A nil program gives nothing.
func (s *state) one(prog *expr.Program, field string) (expr.Value, *problem) {
	if prog == nil {
		return expr.Value{}, nil
	}
	v, err := prog.One(&s.doc)
	if err != nil {
		return expr.Value{}, evalProblem(prog, field, err)
	}
	return v, nil
}

// evalProblem words a failed expression. The error names types and never values, because values may be personal data.
func evalProblem(prog *expr.Program, field string, err error) *problem {
	p := &problem{reason: event.ReasonRuleError, field: field, detail: shortened(prog.String()) + ": " + err.Error()}
	var e *expr.EvalError
	if errors.As(err, &e) && e.Kind == expr.TimedOut {
		p.slow, p.took = true, e.Took
	}
	return p
}

// missing is the problem of a required place that came out empty.
func missing(prog *expr.Program, field string, v expr.Value) *problem {
	return wrong(event.ReasonMissingField, field, prog, "is "+document.Article(v.Kind))
}

// wrong is the problem of a program's value, in words that follow the program.
func wrong(reason event.Reason, field string, prog *expr.Program, what string) *problem {
	return &problem{reason: reason, field: field, detail: shortened(prog.String()) + " " + what}
}

// shortened keeps a long expression from filling a dead letter's headers.
func shortened(text string) string {
	const most = 120
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// absent reports whether a value leaves its place empty.
func absent(v expr.Value) bool { return v.Kind <= expr.Null }
