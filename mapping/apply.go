package mapping

import (
	"errors"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping/expr"
)

// apply makes the calls of one rule.
func (s *scratch) apply(r *rule) {
	s.ruleID, s.time = s.ruleID[:0], s.eventTime
	holds, p := s.holds(r.cond)
	if p != nil {
		s.failRule(r, p)
		return
	}
	if !holds {
		r.counts.skipped.Add(1)
		return
	}
	r.counts.matched.Add(1)
	if p := s.prepare(r); p != nil {
		s.failRule(r, p)
		return
	}
	calls, body, lanes := len(s.calls), len(s.body), len(s.lanes)
	for _, st := range r.steps {
		s.step(r, st)
		if s.overflows() {
			s.calls, s.body, s.lanes = s.calls[:calls], s.body[:body], s.lanes[:lanes]
			s.failRule(r, &problem{event.ReasonTooLarge, "", "the event becomes more than 10,000 calls or 8 MiB"})
			return
		}
	}
	r.counts.calls.Add(uint64(len(s.calls) - calls))
}

func (s *scratch) overflows() bool { return len(s.calls) > maxCalls || len(s.body) > maxBytes }

func (s *scratch) failRule(r *rule, p *problem) {
	r.counts.failed.Add(1)
	s.fail(r.scope, r.self, -1, p)
}

// holds runs a condition; no condition holds.
func (s *scratch) holds(cond *expr.Program) (bool, *problem) {
	if cond == nil {
		return true, nil
	}
	v, p := s.one(cond, "if")
	return v.Truthy(), p
}

// prepare finds the time and identity that the rule gives the event, and what it requires.
func (s *scratch) prepare(r *rule) *problem {
	if r.time != nil {
		t, p := s.timeFrom(r.time)
		if p != nil {
			return p
		}
		if t.known {
			s.time = t
		}
	} else if s.timeProblem != nil {
		return s.timeProblem
	}
	id, p := s.idFrom(r.id)
	if p != nil {
		return p
	}
	s.ruleID = appendID(s.ruleID, id)
	for i, prog := range r.require {
		v, err := prog.One(&s.doc)
		if err != nil {
			return evalProblem(prog, indexed("require", i), err)
		}
		if absent(v) {
			return &problem{event.ReasonMissingField, indexed("require", i), shortened(prog.String()) + " is " + article(v.Kind)}
		}
	}
	return nil
}

var errOverflow = errors.New("too many calls")

// step makes the one call of a step, or one for each item.
func (s *scratch) step(r *rule, st *step) {
	if st.each == nil {
		s.try(r, st, -1)
		return
	}
	item := 0
	err := st.each.Each(&s.doc, func(v expr.Value) error {
		s.doc.Bind("item", v)
		s.try(r, st, item)
		item++
		if s.overflows() {
			return errOverflow
		}
		return nil
	})
	if err != nil && err != errOverflow {
		s.failCall(r, st, -1, evalProblem(st.each, "each", err))
	}
}

func (s *scratch) failCall(r *rule, st *step, item int, p *problem) {
	r.counts.failed.Add(1)
	s.fail(r.scope, st, item, p)
}

// try makes one call, and takes back what it had written where that fails.
func (s *scratch) try(r *rule, st *step, item int) {
	holds, p := s.holds(st.cond)
	if p == nil && !holds {
		return
	}
	body, lanes := len(s.body), len(s.lanes)
	c := pending{step: &st.Step, id: s.callID(r.scope, st, item)}
	if p == nil {
		p = s.write(st, &c)
	}
	if p != nil {
		s.body, s.lanes = s.body[:body], s.lanes[:lanes]
		s.failCall(r, st, item, p)
		return
	}
	c.body, c.lanes = span{body, len(s.body)}, span{lanes, len(s.lanes)}
	s.calls = append(s.calls, c)
}

// write appends the body and the lanes of a call.
func (s *scratch) write(st *step, c *pending) *problem {
	if !st.allowed {
		return &problem{event.ReasonNotAllowed, "", st.Action + " is not among the destructive actions that the configuration allows"}
	}
	start, lanes := len(s.body), len(s.lanes)
	kind, p := s.person(st)
	if p != nil {
		return p
	}
	s.addLane(lanes, kind, s.who)
	s.body = customerio.AppendItem(s.body, st.action, kind, s.who)
	var name span
	if st.op.Event {
		if name, p = s.name(st); p != nil {
			return p
		}
		s.body = append(customerio.AppendMember(s.body, "id"), '"')
		s.body = append(c.id.AppendTo(s.body), '"')
	}
	if s.time.known && (st.op.Event || s.replay && st.action == customerio.Identify) {
		s.body = customerio.AppendTimestamp(s.body, s.time.unix())
	}
	data, p := s.fields(st, lanes)
	if p != nil {
		return p
	}
	s.body = append(s.body, '}')
	if len(s.body)-start <= customerio.MaxItemBytes {
		return nil
	}
	return s.single(st, c, kind, start, name, data)
}
