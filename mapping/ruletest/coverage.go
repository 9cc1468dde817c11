package ruletest

import (
	"fmt"

	"github.com/ciobridge/ciobridge/mapping"
)

// Coverage is how much of the rules tests reach. It counts points: of each rule that an event was for it, of each
// action that a call was made, and of each condition two, that it held and that it did not.
type Coverage struct {
	Reached int       `json:"reached"`
	Points  int       `json:"points"`
	Percent float64   `json:"percent"` // 100 where there is no point
	Rules   []Covered `json:"rules"`
}

// Covered is how much of a rule tests reach.
type Covered struct {
	Rule       string  `json:"rule"`
	Tests      int     `json:"tests"` // that have an event for it
	Actions    Reached `json:"actions"`
	Conditions Reached `json:"conditions"`
	Missed     []Point `json:"missed,omitempty"`
}

// Reached is how many points of a kind tests reach.
type Reached struct {
	Reached int `json:"reached"`
	Points  int `json:"points"`
}

// Point is something of a rule that no test reaches.
type Point struct {
	Place mapping.Position `json:"place"`
	What  string           `json:"what"`
}

// seen is in how many tests something of a rule, or of one of its calls, happened.
type seen struct {
	tests       int // of a rule: that have an event for it; of a call: that made it
	held, fails int // tests in which the condition did and did not
}

// Cover counts what the results of tests reach of rules.
func Cover(rules []mapping.Rule, results []Result) Coverage {
	all := map[call]seen{}
	for i := range results {
		for at, s := range results[i].seen() {
			sum := all[at]
			all[at] = seen{sum.tests + s.tests, sum.held + s.held, sum.fails + s.fails}
		}
	}
	c := Coverage{Rules: []Covered{}, Percent: 100}
	for i := range rules {
		rule := cover(&rules[i], all)
		c.Points += 1 + rule.Actions.Points + rule.Conditions.Points
		c.Reached += min(rule.Tests, 1) + rule.Actions.Reached + rule.Conditions.Reached
		c.Rules = append(c.Rules, rule)
	}
	if c.Points > 0 {
		c.Percent = 100 * float64(c.Reached) / float64(c.Points)
	}
	return c
}

// seen is what one test has reached, each once. A rule stands there with no call.
func (r *Result) seen() map[call]seen {
	all := map[call]seen{}
	for i := range r.got.Calls {
		step := r.got.Calls[i].Step
		for _, at := range []call{{step.Rule, ""}, {step.Rule, step.Call}} {
			s := all[at]
			s.tests = 1
			all[at] = s
		}
	}
	for _, f := range r.got.Failures {
		s := all[call{f.Rule, ""}]
		s.tests = 1
		all[call{f.Rule, ""}] = s
	}
	for _, a := range r.got.Conditions {
		at := call{a.Rule, a.Call}
		s := all[at]
		if a.Held {
			s.held = 1
		} else {
			s.fails = 1
		}
		all[at] = s
		if of := all[call{a.Rule, ""}]; a.Call != "" || a.Held {
			of.tests = 1
			all[call{a.Rule, ""}] = of
		}
	}
	for _, n := range r.got.Remarks { // of a rule that made no call
		if of := all[call{n.Rule, ""}]; n.Call != "" {
			of.tests = 1
			all[call{n.Rule, ""}] = of
		}
	}
	return all
}

func cover(rule *mapping.Rule, all map[call]seen) Covered {
	of := all[call{rule.Name, ""}]
	c := Covered{Rule: rule.Name, Tests: of.tests}
	if of.tests == 0 {
		c.miss(rule.Pos, "the rule: no test has an event for it")
	}
	if !rule.If.IsZero() {
		c.condition(rule.Pos.With(rule.Pos.Path+".if"), "the rule's condition", of)
	}
	for _, step := range rule.Steps() {
		s := all[call{rule.Name, step.Call}]
		what := fmt.Sprintf("call %q", step.Call)
		if !step.Choice {
			c.Actions.Points++
			if s.tests > 0 {
				c.Actions.Reached++
			} else {
				c.miss(step.Pos, what+": no test makes it")
			}
		}
		if step.If {
			c.condition(step.Pos.With(step.Pos.Path+".if"), "the condition of "+what, s)
		}
	}
	return c
}

// condition counts both of what a condition may give.
func (c *Covered) condition(at mapping.Position, what string, s seen) {
	c.Conditions.Points += 2
	for _, way := range []struct {
		tests int
		words string
	}{{s.held, "holds"}, {s.fails, "does not hold"}} {
		if way.tests > 0 {
			c.Conditions.Reached++
		} else {
			c.miss(at, what+": no test in which it "+way.words)
		}
	}
}

func (c *Covered) miss(at mapping.Position, what string) {
	c.Missed = append(c.Missed, Point{at, what})
}
