package ruletest

import (
	"fmt"

	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/mapping"
)

// SameNames warns of tests of one file that have the same name.
func SameNames(tests []Test) (warnings []*mistake.Mistake) {
	first := map[string]int{}
	for i, t := range tests {
		if line, taken := first[t.Name]; taken {
			at := t.Pos.With(fmt.Sprintf("tests[%d].name", i))
			warnings = append(warnings, mistake.New(at, "is the name of the test in line %d, too: give another", line))
			continue
		}
		first[t.Name] = t.Pos.Line
	}
	return warnings
}

// Untested warns of rules that no test has an event for, once so many tests have run against the compiled rules. Where
// there is none at all, it is said once.
func Untested(compiled *mapping.Rules, rules []mapping.Rule, tests int) (warnings []*mistake.Mistake) {
	matched := map[string]bool{}
	for _, stats := range compiled.Stats() {
		matched[stats.Rule] = stats.Matched > 0 || stats.Failed > 0
	}
	for _, rule := range rules {
		switch {
		case matched[rule.Name]:
		case tests == 0:
			return []*mistake.Mistake{mistake.New(rule.Pos, "no rule has a test: write some below the key tests of a "+
				"rule file, with name, given and want")}
		default:
			warnings = append(warnings, mistake.New(rule.Pos, "no test has an event that this rule is for: write one "+
				"below the key tests, with name, given and want"))
		}
	}
	return warnings
}
