package expr

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// sharedFunctions are of every kind: written out, with parameters of both kinds, calling each other, recursive, with
// variables and functions of their own, and with names that programs of the test hide.
const sharedFunctions = `
def person: .customer.id // .buyer.id;
def cents: . * 100;
def named: {id: person, name: .name};
def with(f): {v: f, w: (.a | f)};
def twice(f): f | f;
def member($k): .[$k];
def add_to($n): . + $n;
def both($k; f): {k: $k, f: f};
def short($k): {$k};
def from_topic: $message.topic;
def last_two: .[-2:];
def depth: if type == "array" then 1 + (map(depth) | max // 0) else 0 end;
def sum: reduce .[] as $x (0; . + $x);
def local: def inner: .a; inner;
def label_it: label $out | (1, break $out, 2);
def opt: .a.b?;
def list: .items[];
def uses_sum: {sum: (.items | sum), p: person};
def bumped: . as $n | [$n];
def calls_bumped: bumped;
def takes(bumped): calls_bumped;
def takes_value($bumped): calls_bumped;
def takes_both(bumped): bumped | calls_bumped;
`

func define(t testing.TB, src string) *Definitions {
	t.Helper()
	defs, warnings, err := Define(src, nil, "message")
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	return defs
}

// A program that calls shared functions gives what gojq gives where they stand in front of it.
func TestDefinitionsLikeGojq(t *testing.T) {
	defs := define(t, sharedFunctions)
	for _, src := range []string{
		`person`, `person | ascii_downcase`, `[list | cents]`, `named`, `named.id`, `with(.b)`, `with(person)`,
		`twice(.a)`, `twice(.a?)`, `twice(.items)`, `member("a")`, `member("a").b`, `member(.name)`, `.a | add_to(1)?`,
		`.items | map(add_to(.))`, `both("x"; .a)`, `both(.a; .items)`, `short(1)`, `from_topic`, `.items | last_two`,
		`.items | depth`, `.items | sum`, `local`, `[label_it]`, `opt`, `[list]`, `list`, `uses_sum`,
		`. as $message | from_topic`, `. as $k | member("a")`, `def person: 1; named`, `def map(f): 1; uses_sum`,
		`def cents: 7; .items | map(cents)`, `.items as $x | .items | sum`, `{person: person}`, `{a: named.name?}`,
		`[.items[] | cents] | sum`, `with(with(.b))`, `if person then named else 1 end`, `-(.items[0] | cents)`,
		`"\(person)-\(named)"`, `.a = person`, `person |= "x"`, `[paths] | length`, `path(opt)`, `del(opt)`,
		`reduce list as $k (0; . + ($k | cents))`, `try person catch 1`, `label $out | person`, `named["id"]`,
		`.items[0] | . as $n | add_to($n)`, `.name as $k | member($k)?`, `first(list)`, `limit(2; list)`,
		`takes(100)`, `.a | takes(.b?)`, `takes_value(100)`, `takes_both(.name?)`, `takes(bumped)`,
	} {
		set := NewSet()
		p, err := set.CompileWith(defs, src, "message")
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		set.Seal()
		for _, raw := range []string{
			`{"customer":{"id":"C1"},"name":"n","a":{"a":{"a":1},"b":{"b":2}},"items":[1,2,[3,[4]]],"b":true}`,
			`{"buyer":{"id":9007199254740993},"name":"a","a":{"b":{}},"items":[10,20,30]}`,
			`{"customer":null,"items":[],"a":null}`, `[]`, `null`, `{"items":[1.5,1e3,"x"],"a":"text","name":null}`,
		} {
			var d Document
			if err := d.Parse(set, []byte(raw)); err != nil {
				t.Fatal(err)
			}
			d.Bind("message", Value{Kind: Object, Raw: []byte(testMessage)})
			sameAs(t, reference(t, sharedFunctions+src), p, &d, []byte(raw))
		}
	}
}

// What runs on the raw bytes when it is written out does so when it is shared.
func TestDefinitionsRunOnTheFastPath(t *testing.T) {
	defs := define(t, sharedFunctions+`def chain: named | .id; def deep: with(person) | .v;`)
	for _, src := range []string{`person`, `named`, `named.id`, `with(.b)`, `member("a")`, `from_topic`, `chain`, `deep`,
		`both("x"; .a)`, `opt`, `list`, `twice(.a)`} {
		p, err := NewSet().CompileWith(defs, src, "message")
		if err != nil || !p.OnFastPath() {
			t.Errorf("%s: on the fast path: %v, %v", src, p != nil && p.OnFastPath(), err)
		}
	}
}

// Functions that call each other twice are written out up to a bound, and stay functions above it.
func TestDefinitionsThatDouble(t *testing.T) {
	var src strings.Builder
	src.WriteString("def f0: .a;")
	for i := range 60 {
		fmt.Fprintf(&src, "def f%d: [f%d, f%[2]d];", i+1, i)
	}
	set := NewSet()
	defs := define(t, src.String())
	p, err := set.CompileWith(defs, "f5 | length")
	if err != nil {
		t.Fatal(err)
	}
	far, err := set.CompileWith(defs, "f60 | length")
	if err != nil {
		t.Fatal(err)
	}
	set.Seal()
	var d Document
	if err := d.Parse(set, []byte(`{"a":1}`)); err != nil {
		t.Fatal(err)
	}
	if v, err := p.One(&d); err != nil || string(v.Raw) != "2" {
		t.Errorf("%s, %v", v.Raw, err)
	}
	var failed *EvalError
	if _, err := far.One(&d); !errors.As(err, &failed) {
		t.Errorf("2^60 values are made: %v", err)
	}
}

// Arguments that are calls double too, and are written out up to the same bound.
func TestDefinitionsWhoseArgumentsDouble(t *testing.T) {
	set := NewSet()
	defs := define(t, `def twice(f): f | f; def two: 1, 2;`)
	for _, src := range []string{
		strings.Repeat("twice(", 200) + ".a" + strings.Repeat(")", 200),
		"[" + strings.Repeat("two, ", 3000) + "two] | length",
	} {
		if _, err := set.CompileWith(defs, src); err != nil {
			t.Error(err)
		}
	}
	p, err := set.CompileWith(defs, "twice(twice(twice(.a)))")
	if err != nil {
		t.Fatal(err)
	}
	set.Seal()
	var d Document
	if err := d.Parse(set, []byte(`{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":"x"}}}}}}}}`)); err != nil {
		t.Fatal(err)
	}
	if v, err := p.One(&d); err != nil || string(v.Raw) != `"x"` {
		t.Errorf("%s, %v", v.Raw, err)
	}
}

func TestDefinitionsRefused(t *testing.T) {
	outer := define(t, `def person: .id;`)
	for src, want := range map[string]string{
		`def a: .x; .y`:                 "a program stands behind the definitions",
		`.y`:                            "a program stands behind the definitions",
		`def person: .x;`:               "person/0 is defined twice",
		`def a: 1; def a: 2;`:           "a/0 is defined twice",
		`def map(f): .;`:                "map/1 is a function of jq's own",
		`def a: now;`:                   "now is different at every replay",
		`def a: b; def b: 1;`:           "function not defined: b/0",
		`def a: $item;`:                 "unknown variable $item",
		`def a: persn;`:                 `did you mean "person"?`,
		`def a: test(.x);`:              "regular expression as a constant",
		`def __a: 1;`:                   "names that begin with __ are taken",
		`def a: .`:                      "ends too early",
		`import "x" as x; def a: x::f;`: "modules are not available",
	} {
		_, _, err := Define(src, outer, "message")
		var compile *CompileError
		if !errors.As(err, &compile) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", src, err, want)
		}
	}
	if _, err := NewSet().CompileWith(outer, "persom"); err == nil || !strings.Contains(err.Error(), `mean "person"`) {
		t.Errorf("an unknown function has no hint: %v", err)
	}
	if _, warnings, err := Define(`def a: 1 < "x";`, nil); err != nil || len(warnings) != 1 {
		t.Errorf("warnings %q, %v", warnings, err)
	}
}
