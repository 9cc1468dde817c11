package ruletest

import (
	"fmt"
	"slices"

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

// Untested warns of rules that no test has an event for, and of steps that no event of a test chooses, once the tests
// have run against the compiled rules. Where there is no test at all, it is said once.
func Untested(compiled *mapping.Rules, rules []mapping.Rule, results []Result) (warnings []*mistake.Mistake) {
	matched := map[string]bool{}
	for _, stats := range compiled.Stats() {
		matched[stats.Rule] = stats.Matched > 0 || stats.Failed > 0
	}
	for i := range rules {
		switch rule := &rules[i]; {
		case matched[rule.Name]:
			warnings = append(warnings, unchosen(rule, results)...)
		case len(results) == 0:
			return []*mistake.Mistake{mistake.New(rule.Pos, "no rule has a test: write some below the key tests of a "+
				"rule file, with name, given and want")}
		default:
			warnings = append(warnings, mistake.New(rule.Pos, "no test has an event that this rule is for: write one "+
				"below the key tests, with name, given and want"))
		}
	}
	return warnings
}

func unchosen(rule *mapping.Rule, results []Result) (warnings []*mistake.Mistake) {
	for _, a := range rule.Steps() {
		chosen := func(r Result) bool { return r.reached[call{rule.Name, a.Call}] }
		if a.Alternative && !slices.ContainsFunc(results, chosen) {
			warnings = append(warnings, mistake.New(a.Pos, "no test has an event that chooses this step: write one "+
				"below the key tests, with name, given and want"))
		}
	}
	return warnings
}
