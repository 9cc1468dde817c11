package mapping

import (
	"errors"
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/mapping/explain"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/operand"
)

// apply makes the calls of one rule and counts what came of it.
func (s *state) apply(r *rule) event.Skip {
	s.ruleID, s.time = s.ruleID[:0], s.eventTime
	counts := &r.counts[s.stripe]
	holds, p := s.holds(r.self, r.cond)
	if p == nil && !holds {
		counts.skipped.Add(1)
		return event.SkippedCondition
	}
	before := s.savepoint()
	if p == nil {
		counts.matched.Add(1)
		p = s.prepare(r)
	}
	if p != nil {
		s.fail(r.self, -1, p)
	} else {
		for _, a := range r.steps {
			s.applyAction(a)
		}
	}
	counts.calls.Add(uint64(len(s.calls) - before.calls))
	if n := len(s.failures) - before.failures; n > 0 {
		counts.failed.Add(uint64(n))
	}
	if s.overran > 0 {
		counts.overran(s.overran)
		s.overran = 0
	}
	if len(s.remarks) > before.remarks {
		r.unfit.count(s.remarks[before.remarks:])
	}
	if !r.sends && !s.explains {
		return s.withhold(r, before)
	}
	return event.SkippedNoCall
}

// prepare finds the time and identity that the rule gives the event, and what it requires.
func (s *state) prepare(r *rule) *problem {
	if r.time != nil {
		t, p := s.timeFrom(r.time, "time")
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

var errStop = errors.New("the action is given up")

// applyAction makes the one call of an action, or one for each item. An action that is given up, because its list
// cannot be read to the end or leads to too much, makes none: one failure stands for all of its calls.
func (s *state) applyAction(a *action) {
	if a.each == nil {
		s.applyItem(a, -1)
		return
	}
	before := s.savepoint()
	var why *problem
	item := 0
	err := a.each.Each(&s.doc, func(v expr.Value) error {
		s.doc.Bind("item", v)
		p := s.applyItem(a, item)
		item++
		if why = s.giveUp(before, p); why != nil {
			return errStop
		}
		return nil
	})
	switch {
	case err != nil && why == nil:
		why = evalProblem(a.each, "each", err)
	case err == nil && item == 0:
		s.remark(explain.Remark{Why: explain.NoItem, Rule: a.Rule, Call: a.Call, Field: "each",
			Detail: shortened(a.each.String()) + " gave nothing"})
	}
	if why != nil {
		s.rollBack(before)
		s.fail(a, -1, why)
	}
}

// applyItem makes the call of an action for one item of its list, or the one call where it has no list: item is -1
// then. Of a choice it is the action that the event chooses, which may have a list of its own.
func (s *state) applyItem(a *action, item int) (p *problem) {
	if a.chooser != nil {
		chosen, p := s.choose(a)
		switch {
		case p != nil:
			s.fail(a, item, p)
			return p
		case chosen == nil:
			return nil
		case chosen.each != nil:
			s.applyAction(chosen)
			return nil
		}
		a = chosen
	}
	if p = s.try(a, item); p != nil {
		s.fail(a, item, p)
	}
	return p
}

// try makes one call, and takes back what it had written where that fails.
func (s *state) try(a *action, item int) *problem {
	holds, p := s.holds(a, a.cond)
	if p != nil || !holds {
		return p
	}
	if a.late != nil {
		if drop, p := s.tooLate(a); drop {
			return p
		}
	}
	before := s.savepoint()
	c := pending{step: &a.Step, id: s.callID(a, item), item: int32(s.item)}
	s.persons = s.persons[:0]
	if p := s.write(a, &c); p != nil {
		s.rollBack(before)
		return p
	}
	if s.tells {
		c.about = s.about(a, before.lanes)
	}
	c.body, c.lanes = span{before.body, len(s.body)}, span{before.lanes, len(s.lanes)}
	s.calls = append(s.calls, c)
	return nil
}

// tooLate reports whether an event is too old for a call, and why that is a failure where it is one. Tests of rules,
// and the command that shows what events become, know no day.
func (s *state) tooLate(a *action) (drop bool, p *problem) {
	now := time.Now()
	if !s.time.known || s.replay || s.explains || !a.late.Late(s.time.ms, now) {
		return false, nil
	}
	if a.late.Fail {
		p = &problem{reason: event.ReasonTooLate, field: "time", detail: a.late.Detail(s.time.ms, now, a.op.Once)}
	}
	return a.late.Skip || a.late.Fail, p
}

// write appends the body and the lanes of a call.
func (s *state) write(a *action, c *pending) *problem {
	if !a.allowed {
		return &problem{reason: event.ReasonNotAllowed,
			detail: a.Action + " is not among the destructive actions that the configuration allows"}
	}
	s.workspace = a.workspace
	if a.parts != nil {
		return s.writeParts(a, c)
	}
	start, lanes := len(s.body), len(s.lanes)
	who, p := s.person(a)
	if p != nil {
		return p
	}
	if a.personField.Lanes {
		s.addLane(lanes, who.kind, s.who)
	}
	s.body = append(jsontext.AppendString(append(s.body, who.head...), s.who), '}')
	var name span
	if a.nameField != nil {
		if name, p = s.name(a); p != nil {
			return p
		}
	}
	if a.op.Repeatable {
		s.body = append(c.id.AppendTo(append(s.body, `,"id":"`...)), '"')
	}
	at, p := s.timestamp(a)
	if p != nil {
		return p
	}
	data, p := s.fields(a, lanes)
	if p != nil {
		return p
	}
	s.body = append(s.body, '}')
	if at.known && a.latest != nil && !s.replay {
		a.counts[s.stripe].stamped(at, s.m.Time, a.latest.overtakes(s.lanes[lanes], at.unix()))
	}
	if len(s.body)-start <= customerio.MaxItemBytes {
		return nil
	}
	return s.single(a, c, who.kind, start, name, data)
}

// about tells whom the current call is about, whose lanes begin where it says. One that erases the person tells all
// identifiers that the rule names, and waits in the lane of each: no call by one of them may bring the person back.
func (s *state) about(a *action, lanes int) *event.About {
	if a.Fence == event.DeleteFence || a.Fence == event.SuppressFence {
		for i := range a.person {
			p := &a.person[i]
			v, err := p.prog.One(&s.doc)
			if err != nil || absent(v) {
				continue
			}
			if text, what := operand.AppendIdentifier(nil, p.kind, v, s.reserved); what == "" {
				s.addLane(lanes, p.kind, text)
			}
		}
	}
	at := &event.About{Persons: slices.Clone(s.persons), Origin: s.m.Origin, Stored: s.m.Time}
	if s.time.known {
		at.Time = time.UnixMilli(s.time.ms)
	}
	return at
}
