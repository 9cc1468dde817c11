package mapping

import (
	"errors"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping/expr"
)

// apply makes the calls of one rule and counts what came of it.
func (s *scratch) apply(r *rule) {
	s.ruleID, s.time = s.ruleID[:0], s.eventTime
	counts := &r.counts[s.stripe]
	holds, p := s.holds(r.cond)
	if p == nil && !holds {
		counts.skipped.Add(1)
		return
	}
	calls, failures := len(s.calls), len(s.failures)
	if p == nil {
		counts.matched.Add(1)
		p = s.prepare(r)
	}
	if p != nil {
		s.fail(r.self, -1, p)
	} else {
		for _, st := range r.steps {
			s.step(r, st)
		}
	}
	counts.calls.Add(uint64(len(s.calls) - calls))
	if n := len(s.failures) - failures; n > 0 {
		counts.failed.Add(uint64(n))
	}
	if s.overran > 0 {
		counts.overran(s.overran)
		s.overran = 0
	}
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
			return missing(prog, indexed("require", i), v)
		}
	}
	return nil
}

var errStop = errors.New("the step is given up")

// step makes the one call of a step, or one for each item. A step that is given up, because its list cannot be read to the end or
// leads to too much, makes none: one failure stands for all of its calls.
func (s *scratch) step(r *rule, st *step) {
	if st.each == nil {
		if p := s.try(st, -1); p != nil {
			s.fail(st, -1, p)
		}
		return
	}
	before := s.mark()
	var why *problem
	item := 0
	err := st.each.Each(&s.doc, func(v expr.Value) error {
		s.doc.Bind("item", v)
		p := s.try(st, item)
		if p != nil {
			s.fail(st, item, p)
		}
		item++
		if why = s.giveUp(before, p); why != nil {
			return errStop
		}
		return nil
	})
	if err != nil && why == nil {
		why = evalProblem(st.each, "each", err)
	}
	if why != nil {
		s.reset(before)
		s.fail(st, -1, why)
	}
}

// giveUp says why a step should not go on to its next item, or nil. It bounds what one event can cost: calls, dead letters, which
// hold the whole event each, and time.
func (s *scratch) giveUp(before mark, last *problem) *problem {
	switch {
	case last != nil && last.slow:
		return last
	case len(s.failures)-before.failures > maxFailures:
		return &problem{reason: last.reason, field: last.field, detail: "more than 100 items failed; the last: " + last.detail}
	case len(s.calls) > maxCalls || len(s.body) > maxBytes:
		return &problem{reason: event.ReasonTooLarge, field: "each", detail: "the event becomes more than 10,000 calls or 8 MiB"}
	}
	return nil
}

// try makes one call, and takes back what it had written where that fails.
func (s *scratch) try(st *step, item int) *problem {
	holds, p := s.holds(st.cond)
	if p != nil || !holds {
		return p
	}
	before := s.mark()
	c := pending{step: &st.Step, id: s.callID(st, item)}
	if p := s.write(st, &c); p != nil {
		s.reset(before)
		return p
	}
	c.body, c.lanes = span{before.body, len(s.body)}, span{before.lanes, len(s.lanes)}
	s.calls = append(s.calls, c)
	return nil
}

// write appends the body and the lanes of a call.
func (s *scratch) write(st *step, c *pending) *problem {
	if !st.allowed {
		return &problem{reason: event.ReasonNotAllowed, detail: st.Action + " is not among the destructive actions that the configuration allows"}
	}
	start, lanes := len(s.body), len(s.lanes)
	who, p := s.person(st)
	if p != nil {
		return p
	}
	s.addLane(lanes, who.kind, s.who)
	s.body = append(customerio.AppendString(append(s.body, who.head...), s.who), '}')
	var name span
	if st.op.Event {
		if name, p = s.name(st); p != nil {
			return p
		}
		s.body = append(c.id.AppendTo(append(s.body, `,"id":"`...)), '"')
	}
	if s.time.known && (st.op.Event || s.replay && st.action == customerio.Identify) {
		s.body = s.appendTimestamp(s.body, s.time.unix())
	}
	data, p := s.fields(st, lanes)
	if p != nil {
		return p
	}
	s.body = append(s.body, '}')
	if len(s.body)-start <= customerio.MaxItemBytes {
		return nil
	}
	return s.single(st, c, who.kind, start, name, data)
}
