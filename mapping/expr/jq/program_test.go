package jq

import (
	_ "embed"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/mapping/expr/limits"
	"github.com/ciobridge/ciobridge/mapping/expr/syntax"
)

type panicking struct{}

func (panicking) Next() (any, bool) { panic("inside gojq") }

func TestPanicInGojq(t *testing.T) {
	var failure *limits.EvalError
	if out, ok := next(panicking{}); !ok || !errors.As(out.(error), &failure) {
		t.Errorf("got %v", out)
	}
}

//go:embed testdata/programs.txt
var instrumentedSources string

// FuzzCompile checks that what gojq compiles still compiles instrumented, and that no program makes Compile panic.
func FuzzCompile(f *testing.F) {
	for _, src := range append(strings.Split(strings.TrimSpace(instrumentedSources), "\n"), `def f: . - 1; f *= 2`,
		`.a as [$x, {b: $y}] ?// $x | $x`, `"a\(1 - 2)b"`, `{"a\(1)": 2, (.b): 3, "c": 4, @base64 "d": 5}`,
		`.["a\(.b)"]?`, `reduce .[] as [$a, {$b}] (0; . - $b)`, `..`, `.. == 1`, `-(.a)`, `+1`, `@uri "x\(.a)"`,
		`.a[.b - 1:]`, `label $f | 1, break $f`) {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		q, err := gojq.Parse(src)
		if err != nil {
			t.Skip()
		}
		known := gojq.WithFunction("unix", 0, 0, jqUnix(1))
		_, err = gojq.Compile(q, known, gojq.WithFunction("unix_ms", 0, 0, jqUnix(1000)),
			gojq.WithVariables([]string{"$message"}))
		used, _ := syntax.Names(q)
		_, ours := compile(src, "message")
		_, pattern := patternsOf(q)
		notOurs := slices.ContainsFunc(used, func(n string) bool { return forbidden[n] != "" || n[0] == '_' }) ||
			strings.Contains(src, "__")
		if err == nil && ours != nil && variableRegexp(q) == "" && unknownFormat(q) == "" && !notOurs &&
			q.Meta == nil && pattern == nil && oversized(q) == "" && sizeOf(src) == nil {
			t.Errorf("%s: %v", src, ours)
		}
		if err != nil && ours == nil {
			t.Errorf("%s: compiled, but gojq says %v", src, err)
		}
	})
}
