package jq

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/expr/projection"
)

// compile compiles a program as a rule does.
func compile(src string, vars ...string) (*Program, error) {
	source, err := Parse(src, nil, vars)
	if err != nil {
		return nil, err
	}
	unused := func(name string) bool { return !slices.Contains(source.Used, "$"+name) }
	return Compile(source.Query, slices.DeleteFunc(slices.Clone(vars), unused))
}

// hostile runs a program and fails where it takes more than a run may: steps and memory, and a minute on any machine.
func hostile(t *testing.T, src, raw string) (steps int, made uint64, took time.Duration) {
	t.Helper()
	p, err := compile(src, "message", "item")
	if err != nil {
		t.Fatal(err)
	}
	var d document.Document
	if err := d.Parse(noPlaces, []byte(raw)); err != nil {
		t.Fatal(err)
	}
	input, arena := projection.Decode(d.Root().Raw), []byte(nil)
	var before, after runtime.MemStats
	start := time.Now()
	runtime.ReadMemStats(&before)
	_, _ = p.Run(input, nil, &arena, func(document.Value) error { return nil })
	steps = p.idle[0].fuel.Steps()
	took = time.Since(start)
	runtime.ReadMemStats(&after)
	if made = after.TotalAlloc - before.TotalAlloc; made > 96<<20 {
		t.Errorf("%.100s made %d MiB", src, made>>20)
	}
	if steps > maxSteps+maxSteps/10 || took > time.Minute {
		t.Errorf("%.100s took %d steps and %s", src, steps, took)
	}
	return steps, made, took
}

// maxSteps is how many steps a run may take.
const maxSteps = 2_000_000

// known reports whether a function of gojq has its place in one of the lists, and is not to be had otherwise.
func knownFunction(name string) bool {
	bare, _, _ := strings.Cut(name, "/")
	return costs[name] != nil || cheap[name] || inLibrary[name] || forbidden[bare] != ""
}

// A function that a new version of gojq brings must be looked at: what does a call of it cost?
func TestEveryFunctionOfGojqIsKnown(t *testing.T) {
	names, _ := compiled("builtins").Run(nil).Next()
	n := 0
	for _, name := range names.([]any) {
		if !knownFunction(name.(string)) {
			t.Errorf("%s is in none of costs, cheap, library.jq and refused", name)
		}
		n++
	}
	if n < 150 {
		t.Errorf("only %d functions", n)
	}
	all := map[string]bool{}
	for _, name := range names.([]any) {
		all[name.(string)] = true
	}
	for name := range costs {
		if !all[name] && name[0] != '_' {
			t.Logf("%s is not a function of this gojq", name)
		}
	}
	if _, err := compile(`_match("a"; null; false)`); err == nil {
		t.Error("a function of gojq's own can be called")
	}
	for _, src := range []string{`def __cost_split($x): .; split("a")`, `1 as $__0 | $__0`,
		`def f($__right): 1; f(1)`, `. as {a: $__x} | 1`} {
		if _, err := compile(src); err == nil || !strings.Contains(err.Error(), "names that begin with __ are taken") {
			t.Errorf("%s: %v", src, err)
		}
	}
}

// Every function of gojq on values that are as hostile as they can be, alone or in a loop: one call of each, and with
// CIOBRIDGE_LONG_TESTS=1 all that are known. With CIOBRIDGE_HOSTILE=1 all are made alone and in a loop on every value
// of 1 MB, which takes half an hour.
func TestNoFunctionOutrunsItsFuel(t *testing.T) {
	if raceDetector {
		t.Skip("measures memory and time, and runs in one goroutine: the race detector would find nothing")
	}
	long := os.Getenv("CIOBRIDGE_HOSTILE") != ""
	inputs := hostileInputs(150_000)
	if long {
		inputs = hostileInputs(1_000_000)
	}
	calls := slices.Clone(operatorCalls)
	names, _ := compiled("builtins").Run(nil).Next()
	for _, name := range names.([]any) {
		of := callsOf(name.(string))
		if len(of) > 1 && !long && !longtest.On() {
			of = of[len(calls)%len(of):][:1]
		}
		calls = append(calls, of...)
	}
	most, worst, slowest, slow := uint64(0), "", time.Duration(0), ""
	for i, call := range calls {
		for j := range 2 * len(inputs) {
			if !long && (j != i%(2*len(inputs)) || !longtest.On() && i%7 > 0) {
				continue
			}
			form := []string{`.v | %s`, `reduce range(100000) as $i (.v; . as $v | (try (%s) catch null) | $v)`}[j%2]
			_, made, took := hostile(t, `.a as $a | .v as $x | `+fmt.Sprintf(form, call), inputs[j/2])
			if made > most {
				most, worst = made, call
			}
			if took > slowest {
				slowest, slow = took, call
			}
		}
	}
	t.Logf("%d calls; the most memory was %d MiB, for %s; the longest was %s, for %s", len(calls), most>>20, worst,
		slowest, slow)
}

// operatorCalls are what is no function.
var operatorCalls = []string{
	`.[]`, `[.[]]`, `first(.[])`, `.[0]`, `.[-1]`, `.[1:]`, `.[:100]`, `.[$a:]?`, `.[$a]?`, `. == $x`, `. != $x`,
	`. < $x`, `. + $x`, `. - $x`, `. * $x`, `. / ","`, `. / ""`, `. % 7`, `. * 1000`, `-.`, `"\(.)"`,
	`"\(.)\(.)\(.)\(.)\(.)\(.)\(.)\(.)"`,
	`@csv`, `@tsv`, `@html`, `@uri`, `@sh`, `@base64`, `@base64d`, `@json`, `@text`, `@urid`, `@html "\(.)"`, `..`,
	`.[0] = 1`, `.[0] |= 1`, `.a = 1`, `.[] |= 1`, `.[] += 1`, `.a += $x`, `.[99999] = 1`, `.[1e6] = 1`,
	`.[0:10] = $x`, `.[0:10] |= []`, `.[] |= empty`, `{a: $x}`, `[$x, $x]`,
	`{(.): 1}`, `. as [$b, $c] | $b`, `. as {a: $b} | $b`, `try error($x) catch 1`, `.[0]?`, `.a?`, `[limit(3; .[])]`,
	`path(.[])`, `path(..)`, `[paths]`, `to_entries[0]`, `if . == $x then 1 else 2 end`, `. // 1`, `. and $x`,
	`label $f | .[] | ., break $f`, `{a: .[]}`, `.[[1]]?`, `[.[] | tojson]`, `getpath([range(2000)])?`,
	`try setpath([range(2000)]; 1) catch 1`,
}

// callsOf gives calls of a function.
func callsOf(name string) []string {
	bare, arity, _ := strings.Cut(name, "/")
	if forbidden[bare] != "" {
		return nil
	}
	if _, ok := regexps[bare]; ok && (bare != "split" || arity == "2") {
		if strings.HasSuffix(bare, "sub") {
			return map[string][]string{"2": {bare + `("a"; "b")`}, "3": {bare + `("[^0]"; "b"; "g")`}}[arity]
		}
		return map[string][]string{"1": {bare + `("a")`, bare + `("(a+a+)+$")`},
			"2": {bare + `("a"; "g")`, bare + `("((a)|(b))*"; "gi")`}}[arity]
	}
	switch arity {
	case "0":
		return []string{bare}
	case "1":
		return []string{bare + "(.)", bare + "($x)", bare + `(",")`, bare + `("")`, bare + "(3)", bare + "(.[]?)",
			bare + "(1e9)"}
	case "2":
		return []string{bare + "(.; $x)", bare + "($x; 1)", bare + "(1e9; 2e9)", bare + `(.[]?; .)`, bare +
			`(["a"]; .)`}
	case "3":
		return []string{bare + "(.; $x; 1)", bare + "(0; 1e9; 1)"}
	}
	return []string{bare + "(.; $x; 1; 2)"}
}

// hostileInputs are documents of about n bytes.
func hostileInputs(n int) (docs []string) {
	list := func(elem string) string { return "[" + strings.Repeat(elem+",", n/(len(elem)+1)-1) + elem + "]" }
	keys := &strings.Builder{}
	for i := 0; keys.Len() < n-20; i++ {
		fmt.Fprintf(keys, `"k%x":%d,`, i*7919, i)
	}
	nested := strings.Repeat(`[`, 54) + list("0")[:1+n/4*2] + `0]` + strings.Repeat(`]`, 54)
	for _, v := range []string{
		`"` + strings.Repeat("a", n) + `"`, `"` + strings.Repeat(`\u0001`, n/6) + `"`,
		`"` + strings.Repeat("é", n/2) + `"`, `"` + strings.Repeat("a,", n/2) + `"`,
		`"` + strings.Repeat("<", n) + `"`,
		`"` + strings.Repeat("1", n) + `"`, `"` + strings.Repeat("[", n) + `"`, `"[` + strings.Repeat("{},", n/3) +
			`0]"`, `"` + strings.Repeat(" ", n) + `"`, `"` + strings.Repeat("%c", n/2) + `"`,
		list("0"), list(`""`), list("[]"), list("{}"), list(`{"a":1}`), list("[1,2]"), list(strings.Repeat("9", 300)),
		list(`"` + strings.Repeat("x", 1000) + `"`), list(`{"key":"a","value":[1]}`),
		"{" + strings.TrimSuffix(keys.String(), ",") + "}",
		nested, `{"a":` + list("0") + `}`, strings.Repeat("9", 300), `[` + list("0")[:1+n/4*2] +
			`0],` + list("1")[:1+(n/4-20)*2] + `1]]`,
	} {
		docs = append(docs, `{"a":3,"v":`+v+`}`)
	}
	return docs
}
