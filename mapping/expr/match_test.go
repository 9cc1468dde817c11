package expr

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// matching are the functions with a regular expression, and the ways in which their flags are written.
var matching = []string{
	`[.[] | test(%s)]`, `[.[] | match(%s)]`, `[.[] | match(%s; "g")]`, `[.[] | match(%s; "gi")]`, `[.[] | capture(%s; "g")]`, `[.[] | capture(%s)]`, `[.[] | scan(%s)]`, `[.[] | scan(%s; "i")]`,
	`[.[] | splits(%s)]`, `[.[] | split(%s; "m")]`, `[.[] | sub(%s; "<>")]`, `[.[] | gsub(%s; "<>")]`, `[.[] | gsub(%s; "a", "")]`, `[.[] | gsub(%s; empty)]`,
	`[.[] | gsub(%s; "\(.x)-", (select(.x == "a") | "+"))]`, `[.[] | sub(%s; null; "gm")]`, `[.[] | [gsub(%s; 1)?]]`, `[.[] | gsub(%s; "[\(. | length)]"; "im")]`, `[.[] | [match(%s; "g") | .offset, .length]]`,
}

func regexpOf(r *rand.Rand, depth int) string {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	if depth == 0 {
		return pick("a", "b", "é", ".", `\b`, `\B`, "^", "$", `\A`, `\z`, "[^a]", "[ab]", `\w`, "", "x", `\n`, "(?m:^)", "(?m:$)", "😀", `\Qa`, `(?i)A`)
	}
	x := func() string { return regexpOf(r, depth-1-r.IntN(depth)) }
	switch r.IntN(7) {
	case 0:
		return "(?:" + x() + ")" + pick("*", "+", "?", "*?", "+?", "??", "{2}", "{0,3}")
	case 1:
		return "(" + x() + ")"
	case 2:
		return "(?P<x>" + strings.ReplaceAll(x(), "P<x>", ":") + ")" + pick("", "?")
	case 3:
		return "(?:" + x() + "|" + x() + ")"
	case 4:
		return x() + x() + x()
	}
	return x() + x()
}

// One pass over a text must find what gojq finds in it.
func TestMatchesLikeGojq(t *testing.T) {
	rounds := fromEnvironment(t, "CIOBRIDGE_EXECUTIONS_JQ", 1500)
	r := rand.New(rand.NewPCG(uint64(fromEnvironment(t, "CIOBRIDGE_SEED", 1)), 9))
	compiled, found := 0, 0
	for range rounds {
		re := regexpOf(r, r.IntN(5))
		if strings.Contains(re, `\Q`) && r.IntN(3) > 0 {
			re += `\E`
		}
		src := fmt.Sprintf(matching[r.IntN(len(matching))], string(AppendQuoted(nil, []byte(re))))
		if _, err := NewSet().Compile(src); err != nil {
			continue
		}
		compiled++
		var texts []string
		for range 3 {
			text := ""
			for range r.IntN(7) {
				text += []string{"a", "b", "A", "é", "😀", `\n`, " ", "x", "aa"}[r.IntN(9)]
			}
			texts = append(texts, `"`+text+`"`)
		}
		raw := []byte("[" + strings.Join(texts, ",") + "]")
		sameAsGojq(t, src, raw, false)
		if v, err := runOne(t, src, string(raw)); err == nil && len(v.Raw) > 20 {
			found++
		}
		if t.Failed() {
			t.Fatalf("%s on %s", src, raw)
		}
	}
	t.Logf("%d programs, %d with something to find", compiled, found)
	if compiled < rounds/2 || found < rounds/4 {
		t.Error("the programs say too little")
	}
}

// A text is gone over once, however many matches it has and however far a pattern looks ahead for each.
func TestMatchingIsNotQuadratic(t *testing.T) {
	const n = 1_000_000
	for _, c := range []struct{ src, text string }{
		{`gsub("[^0-9+]"; "") | .[:20]`, "x"}, {`[scan("x")] | length`, "x"}, {`[splits("x")] | length`, "x"}, {`[match("x"; "g")] | length`, "x"}, {`[match(""; "g")] | length`, "x"}, {`[capture("(?P<a>x)"; "g")] | length`, "x"},
		{`gsub("x.*y|x"; "")`, "x"}, {`gsub("(x+x+)+y"; "")`, "x"}, {`test("(x+x+)+y")`, "x"}, {`[scan("x*y|x")] | length`, "x"}, {`gsub("\\b"; "-")`, "x "}, {`[match("((((((((x))))))))"; "g")] | length`, "x"}, {`gsub("^x"; "y")`, "x"}, {`first(match("x"; "g"))`, "x"},
		{`gsub("é"; "e")`, "é"}, {`[match("(?:x{30}){30}")]`, "x"}, {`gsub("x"; "y", "z")`, "x"}, {`split("x"; "g") | length`, "x"}, {`sub("(?P<a>.*)"; "\(.a)\(.a)\(.a)\(.a)")`, "x"}, {`test("(x|xx|xxx|xxxx)*$")`, "x"},
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
		`test("(?:a{100}){100}")`:      "cannot compile the regular expression: error parsing regexp: invalid repeat count",
		`[.a | scan("` + strings.Repeat("[a-z]{999}", 6) + `")]`:   "more than 5000 instructions once its repetitions are written out",
		`test("` + strings.Repeat("(?:a{1,31}b?){1,31}", 6) + `")`: "more than 5000 instructions",
		`test("a"; "x")`:                      `unknown flag "x" of a regular expression; known are g, i and m`,
		`sub("a"; "b"; "gn")`:                 `unknown flag "n"`,
		`split("["; "g")`:                     "cannot compile the regular expression",
		`test("^.{1,255}@.{1,255}$")`:         "",
		`split("[")`:                          "", // no regular expression
		`def test($x): $x; test("(")`:         "",
		`def gsub(a; b): a + b; gsub(.a; .b)`: "",
	} {
		_, err := NewSet().Compile(src)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q in it", src, err, want)
		}
	}
}
