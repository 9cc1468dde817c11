package expr

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// matching are the functions with a regular expression, and the ways in which their flags are written.
var matching = []string{
	`[.[] | test(%s)]`, `[.[] | match(%s)]`, `[.[] | match(%s; "g")]`, `[.[] | match(%s; "gi")]`,
	`[.[] | capture(%s; "g")]`, `[.[] | capture(%s)]`, `[.[] | scan(%s)]`, `[.[] | scan(%s; "i")]`,
	`[.[] | splits(%s)]`, `[.[] | split(%s; "m")]`, `[.[] | sub(%s; "<>")]`, `[.[] | gsub(%s; "<>")]`,
	`[.[] | gsub(%s; "a", "")]`, `[.[] | gsub(%s; empty)]`,
	`[.[] | gsub(%s; "\(.x)-", (select(.x == "a") | "+"))]`, `[.[] | sub(%s; null; "gm")]`, `[.[] | [gsub(%s; 1)?]]`,
	`[.[] | gsub(%s; "[\(. | length)]"; "im")]`, `[.[] | [match(%s; "g") | .offset, .length]]`,
}

func regexpOf(r *rand.Rand, depth int) string {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	if depth == 0 {
		return pick("a", "b", "é", ".", `\b`, `\B`, "^", "$", `\A`, `\z`, "[^a]", "[ab]", `\w`, "", "x", `\n`,
			"(?m:^)", "(?m:$)", "😀", `\Qa`, `(?i)A`)
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
	rounds := fromEnvironment(t, "CIOBRIDGE_EXECUTIONS_JQ", longtest.Either(60, 1500))
	r := rand.New(rand.NewPCG(uint64(fromEnvironment(t, "CIOBRIDGE_SEED", 1)), 9))
	compiled, found := 0, 0
	for range rounds {
		re := regexpOf(r, r.IntN(5))
		if strings.Contains(re, `\Q`) && r.IntN(3) > 0 {
			re += `\E`
		}
		src := fmt.Sprintf(matching[r.IntN(len(matching))], string(jsontext.AppendString(nil, []byte(re))))
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
