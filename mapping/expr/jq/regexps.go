package jq

import (
	"strings"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/mapping/expr/syntax"
)

// regexps are the functions with a regular expression, each with the number of arguments that stand before it where
// it has one.
var regexps = map[string]int{"test": 0, "match": 0, "capture": 0, "scan": 0, "splits": 0, "sub": 0, "gsub": 0,
	"split": 1}

// variableRegexp gives the name of a function whose regular expression is not a constant, or nothing. Only one that
// is known when rules are loaded can be refused then, and need not be compiled for each event.
func variableRegexp(q *gojq.Query) (name string) {
	v := &syntax.Visitor{}
	v.Term = func(t *gojq.Term) {
		if !hasRegexp(t, v) {
			return
		}
		for i, arg := range t.Func.Args {
			replaced := strings.HasSuffix(t.Func.Name, "sub") && i == 1
			if _, ok := syntax.ConstantString(arg); !ok && !replaced && name == "" {
				name = t.Func.Name
			}
		}
	}
	v.Visit(q)
	return name
}

func hasRegexp(t *gojq.Term, v *syntax.Visitor) bool {
	if t.Func == nil {
		return false
	}
	before, ok := regexps[t.Func.Name]
	return ok && len(t.Func.Args) > before && !v.Defined(syntax.Signature(t.Func.Name, len(t.Func.Args)))
}

// patternsOf compiles the regular expressions of a program.
func patternsOf(q *gojq.Query) (map[patternKey]*pattern, error) {
	patterns := map[patternKey]*pattern{}
	var failed error
	v := &syntax.Visitor{}
	v.Term = func(t *gojq.Term) {
		if !hasRegexp(t, v) {
			return
		}
		key := patternKey{}
		key.re, _ = syntax.ConstantString(t.Func.Args[0])
		flags := 1
		if strings.HasSuffix(t.Func.Name, "sub") {
			flags = 2
		}
		if len(t.Func.Args) > flags {
			key.flags, _ = syntax.ConstantString(t.Func.Args[flags])
		}
		p, err := newPattern(key.re, key.flags)
		if err != nil && failed == nil {
			failed = err
		}
		key.flags = strings.ReplaceAll(key.flags, "g", "")
		patterns[key] = p
	}
	v.Visit(q)
	return patterns, failed
}
