package jq

import (
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/internal/longtest"
)

// A text is gone over once, however many matches it has and however far a pattern looks ahead for each.
func TestMatchingIsNotQuadratic(t *testing.T) {
	n := longtest.Either(200_000, 1_000_000)
	for _, c := range []struct{ src, text string }{
		{`gsub("[^0-9+]"; "") | .[:20]`, "x"}, {`[scan("x")] | length`, "x"}, {`[splits("x")] | length`, "x"},
		{`[match("x"; "g")] | length`, "x"}, {`[match(""; "g")] | length`, "x"},
		{`[capture("(?P<a>x)"; "g")] | length`, "x"},
		{`gsub("x.*y|x"; "")`, "x"}, {`gsub("(x+x+)+y"; "")`, "x"}, {`test("(x+x+)+y")`, "x"},
		{`[scan("x*y|x")] | length`, "x"}, {`gsub("\\b"; "-")`, "x "},
		{`[match("((((((((x))))))))"; "g")] | length`, "x"}, {`gsub("^x"; "y")`, "x"},
		{`first(match("x"; "g"))`, "x"},
		{`gsub("é"; "e")`, "é"}, {`[match("(?:x{30}){30}")]`, "x"}, {`gsub("x"; "y", "z")`, "x"},
		{`split("x"; "g") | length`, "x"}, {`sub("(?P<a>.*)"; "\(.a)\(.a)\(.a)\(.a)")`, "x"},
		{`test("(x|xx|xxx|xxxx)*$")`, "x"},
	} {
		steps, made, took := hostile(t, c.src, `"`+strings.Repeat(c.text, n/len(c.text))+`"`)
		t.Logf("%-40s %8d steps %4d MiB %s", c.src, steps, made>>20, took.Round(time.Millisecond))
	}
}

// A pattern that cannot be used is refused when the rule is loaded.
func TestPatternsAreCompiledWithTheirRule(t *testing.T) {
	for src, want := range map[string]string{
		`test("(")`:                    "cannot compile the regular expression: error parsing regexp: missing closing )",
		`gsub("a(?=b)"; "")`:           "cannot compile the regular expression",
		`test("((a{100}){100}){100}")`: "cannot compile the regular expression", // over what Go itself takes
		`test("(?:a{100}){100}")`: "cannot compile the regular expression: error parsing regexp: invalid " +
			"repeat count",
		`[.a | scan("` + strings.Repeat("[a-z]{999}", 6) +
			`")]`: "more than 5000 instructions once its repetitions are written out",
		`test("` + strings.Repeat("(?:a{1,31}b?){1,31}", 6) + `")`: "more than 5000 instructions",
		`test("a"; "x")`:                      `unknown flag "x" of a regular expression; known are g, i and m`,
		`sub("a"; "b"; "gn")`:                 `unknown flag "n"`,
		`split("["; "g")`:                     "cannot compile the regular expression",
		`test("^.{1,255}@.{1,255}$")`:         "",
		`split("[")`:                          "", // no regular expression
		`def test($x): $x; test("(")`:         "",
		`def gsub(a; b): a + b; gsub(.a; .b)`: "",
	} {
		_, err := compile(src)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q in it", src, err, want)
		}
	}
}
