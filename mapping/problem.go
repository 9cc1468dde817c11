package mapping

import (
	"errors"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/record"
)

// problem is why a call, a rule or an event failed.
type problem struct {
	reason event.Reason
	field  string
	detail string
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

const recordsValue = "the record's value"

// contentProblem words why the content is no document. Where it has a form that is known, the problem says so.
func (s *state) contentProblem(err error) *problem {
	p := inputProblem(s.where, err)
	if p.reason == event.ReasonUndecodable {
		if form := record.Form(s.content); form != "" {
			p.detail += "; it looks like " + form
		}
	}
	return p
}

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
