package mapping

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/mapping/explain"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/record"
)

// problem is why a call, a rule or an event failed.
type problem struct {
	reason event.Reason
	field  string
	member string // of an object that is sent whole
	detail string
	unfit  bool          // one value does not fit, and the call could go without it
	slow   bool          // a program ran into its time limit
	took   time.Duration // then: how long it had computed
}

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
		Item:   s.item,
		Rules:  s.rules,
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
	if errors.As(err, &e) {
		p.slow, p.took, p.unfit = e.Kind == expr.TimedOut, e.Took, e.Kind == expr.Unreadable
	}
	return p
}

const recordsValue = "the record's value"

// contentProblem words why the content is no document. Where it has a form that is known, the problem says so.
func (s *state) contentProblem(err error) *problem {
	p := inputProblem(s.where, err)
	form := s.topic.forms.Value
	switch {
	case p.reason != event.ReasonUndecodable:
	case form != "" && form != "json" && s.m.ValueContent() == nil: // of a test, as a bridge has read it
		p.detail += "; of a topic with content: " + form + " give the JSON that the value becomes"
	default:
		if like := record.Form(s.content); like != "" {
			p.detail += "; it looks like " + like
		}
		if form == "" && slices.ContainsFunc(s.m.Headers, namesSchema) {
			p.detail += "; its header __value_schema_id names a schema: content: avro, protobuf or json_schema with " +
				"a schema registry reads it"
		}
	}
	return p
}

func namesSchema(h event.Header) bool { return h.Key == "__value_schema_id" }

func inputProblem(where string, err error) *problem {
	reason := event.ReasonUndecodable
	var e *expr.InputError
	if errors.As(err, &e) && e.Kind == expr.TooLong {
		reason = event.ReasonTooLarge
	}
	return &problem{reason: reason, detail: where + ": " + err.Error()}
}

// Limits of a record that holds several events.
const (
	maxItems       = 10_000
	maxItemsFailed = 1000 // failures of all of them
)

func (s *state) tooMany() *problem {
	if len(s.within.items) <= maxItems {
		return nil
	}
	return &problem{reason: event.ReasonTooLarge, field: "each", detail: "the record holds more than 10,000 events"}
}

func (s *state) openProblem(err error) *problem {
	p := &problem{reason: event.ReasonUndecodable, detail: s.where + ": " + err.Error()}
	var wrapped *record.Error
	if errors.As(err, &wrapped) && wrapped.TooLong {
		p.reason = event.ReasonTooLarge
	}
	return p
}

// tooMuch says why a record is given up as a whole, or is nil: it bounds what one record can cost.
func (s *state) tooMuch() *problem {
	switch {
	case len(s.calls) > maxCalls || len(s.body) > maxBytes:
		return &problem{reason: event.ReasonTooLarge, field: "each",
			detail: "the events of the record become more than 10,000 calls or 8 MiB"}
	case len(s.failures) > maxItemsFailed:
		last := &s.failures[len(s.failures)-1]
		return &problem{reason: last.Reason, field: last.Field,
			detail: "the record's events have more than 1,000 failures; the last: " + last.Detail}
	}
	return nil
}

// missing is the problem of a required place that came out empty.
func missing(prog *expr.Program, field string, v expr.Value) *problem {
	return wrong(event.ReasonMissingField, field, prog, "is "+document.Article(v.Kind))
}

// wrong is the problem of a program's value, in words that follow the program.
func wrong(reason event.Reason, field string, prog *expr.Program, what string) *problem {
	return &problem{reason: reason, field: field, detail: shortened(prog.String()) + " " + what}
}

// unfit names the kind of a value that is neither a string nor an integer.
func unfit(v expr.Value) string {
	if v.Kind == expr.Number {
		return "a number with a fraction or exponent; want a string or an integer"
	}
	return document.Article(v.Kind) + "; want a string or an integer"
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

func (s *state) remarkOnValue(a *action, why explain.Why, p *problem) {
	s.remarks = append(s.remarks, explain.Remark{Why: why, Item: s.item, Rule: a.Rule, Call: a.Call, Field: p.field,
		Member: p.member, Reason: p.reason, Detail: p.detail})
}

// spare leaves a value out that does not fit, where the call may go without it, and gives no problem then.
func (s *state) spare(a *action, f *field, p *problem) *problem {
	if p == nil || !p.unfit || f.strict {
		return p
	}
	s.remarkOnValue(a, explain.ValueLeftOut, p)
	return nil
}

// maxReasons bounds what one explanation tells beside values.
const maxReasons = 1000

// remark keeps a remark for who asked for an explanation.
func (s *state) remark(n explain.Remark) {
	if n.Item = s.item; s.explains && len(s.reasons) < maxReasons {
		s.reasons = append(s.reasons, n)
	}
}

// tellCondition tells what a condition gave, and where it did not hold what kinds of values it has looked at.
func (s *state) tellCondition(a *action, cond *expr.Program, v expr.Value) {
	s.conditions = append(s.conditions, explain.Asked{Rule: a.Rule, Call: a.Call, Held: v.Truthy()})
	if v.Truthy() {
		return
	}
	n := explain.Remark{Why: explain.Condition, Rule: a.Rule, Call: a.Call, Field: "if"}
	gave := "was false"
	if v.Kind != expr.False {
		gave = "gave " + document.Article(v.Kind)
	}
	n.Detail = shortened(cond.String()) + " " + gave
	var saw []string
	for _, path := range explain.Reads(cond.String()) {
		if what := s.kindAt(path); what != "" {
			saw = append(saw, path+" is "+what)
		}
	}
	if len(saw) > 0 {
		n.Detail += ": " + choice.And(saw)
	}
	s.remark(n)
}

// kindAt is the kind of the value at a path of the event, or "" where it has none that a path leads to.
func (s *state) kindAt(path string) string {
	set, vars := expr.NewSet(), []string{"message", "change", "item", "record"}
	prog, err := set.Compile(path, vars...)
	if err != nil {
		return ""
	}
	set.Seal()
	var doc expr.Document
	if doc.Parse(set, s.doc.Root().Raw) != nil {
		return ""
	}
	for _, name := range vars {
		doc.Bind(name, s.doc.Variable(name))
	}
	v, err := prog.One(&doc)
	switch {
	case err != nil:
		return ""
	case absent(v) && prog.Missing(&doc):
		return "absent"
	}
	return document.Article(v.Kind)
}
