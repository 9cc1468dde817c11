package expr

import (
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/internal/longtest"
)

// sameID are programs that give an integer as it came.
var sameID = []string{
	`floor`, `round`, `ceil`, `trunc`, `nearbyint`, `rint`, `tostring | tonumber`, `tojson | fromjson`, `. * 1`,
	`. * 1.0`, `1.0 * .`, `. / 1`, `. / 1.0`, `. + 0`, `. + 0.0`, `0.0 + .`,
	`. - 0`, `. - 0.0`, `-(-.)`, `[., 0.0] | .[0]`, `[.] | add`, `[.] | max`, `[.] | min`, `[., .] | unique | .[0]`,
	`[.] | sort | .[0]`, `[.] | group_by(.) | .[0][0]`, `[.] | min_by(.)`,
	`[.] | unique_by(.) | .[0]`, `. / 2 * 2 | . * 1.0 | . // 0`, `{a: .} | .a`, `{a: .} | .a *= 1.0 | .a`,
	`{a: .} | .a /= 1.0 | .a`, `{a: .} | .a += 0.0 | .a`, `{a: .} | .a -= 0.0 | .a`, `[limit(1; .)] | .[0]`,
	`first(range(.; . + 1))`, `[.] | first`, `[.] | flatten | .[0]`, `[.] | @json | fromjson | .[0]`,
	`@text | tonumber`, `"\(.)" | tonumber`, `[.] | @csv | tonumber`, `[.] | join("") | tonumber`,
	`[.] | tostream | select(length > 1) | .[1]`,
	`. % 1000000000000000000000000000000000`, `. % 1e33`, `(. * 10) / 10`, `(. * 10.0) / 10.0`,
	`[.] | to_entries | .[0].value`, `[.] | map(floor) | .[0]`, `[.[]?, .] | last`,
	`walk(if type == "number" then floor else . end)`, `. as $x | [$x] | .[0]`,
}

// longIntegers gives integers of 16 to 30 digits of either sign.
func longIntegers(r *rand.Rand, n int) (list []*big.Int) {
	for _, s := range []string{"9007199254740992", "9223372036854775806", "18446744073709551615", "4503599627370496"} {
		b, _ := new(big.Int).SetString(s, 10)
		list = append(list, b)
	}
	for range n {
		digits := []byte{byte('1' + r.IntN(9))}
		for range 15 + r.IntN(14) {
			digits = append(digits, byte('0'+r.IntN(10)))
		}
		b, _ := new(big.Int).SetString(string(digits), 10)
		if r.IntN(4) == 0 {
			b.Neg(b)
		}
		list = append(list, b)
	}
	return list
}

func outputOf(p *Program, d *Document) (text string, failed bool) {
	var all []string
	err := p.Each(d, func(v Value) error {
		if all = append(all, string(v.Raw)); len(all) == 10 {
			return io.EOF // a range can be long
		}
		return nil
	})
	return strings.Join(all, " "), err != nil
}

// TestIntegersKeepEveryDigit: what gives a number as it came does so beyond 2^53.
func TestIntegersKeepEveryDigit(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, src := range sameID {
		s, ps := sealed(t, []string{src})
		var d Document
		for _, n := range longIntegers(r, 40) {
			if strings.HasPrefix(src, ". / 2") {
				n = new(big.Int).Mul(n, big.NewInt(2))
			}
			if err := d.Parse(s, []byte(n.String())); err != nil {
				t.Fatal(err)
			}
			if got, failed := outputOf(ps[0], &d); failed || got != n.String() {
				t.Errorf("%s of %s gave %s, failed: %t", src, n, got, failed)
				break
			}
		}
	}
}

// TestTwoIntegersStayTwo: nothing that compares takes an integer for its neighbour.
func TestTwoIntegersStayTwo(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, src := range []string{
		`.a != .b`, `.a < .b`, `.a <= .b`, `.b > .a`, `.b >= .a`, `(.a == .b) | not`,
		`(.a | tostring) != (.b | tostring)`, `(.a | floor) != (.b | floor)`, `"\(.a)" != "\(.b)"`,
		`[.a, .b] | unique | length == 2`, `[.a, .b] | unique_by(.) | length == 2`,
		`[.a, .b] | group_by(.) | length == 2`, `. as {$a} | [.b, .a] | min == $a`,
		`. as {$b} | [.b, .a] | max == $b`,
		`. as {$b} | [.a, .b] | sort_by(-.) | .[0] == $b`, `. as {$a, $b} | [$a, $b] - [$a] == [$b]`,
		`. as {$b} | [.a, .b] | index([$b]) == 1`, `. as {$b} | [.a, .b] | indices($b) == [1]`,
		`[.a] as $l | .b | IN($l[]) | not`, `INDEX(.a, .b; .) | length == 2`, `. as {$b} | [.a] | bsearch($b) == -2`,
		`[.a] as $a | [.b] | contains($a) | not`, `[.a] as $a | [.b] | inside($a) | not`,
		`{(.a | tostring): 1, (.b | tostring): 2} | length == 2`, `.b - .a == 1`,
		`. as {$a, $b} | [range($a; $b)] == [$a]`, `(.a % 1000007) != (.b % 1000007)`,
		`[.a, .b] | (map(round) | unique | length) == 2`,
		`[.a, 0.5] != [.b, 0.5]`, `{x: .a} != {x: .b}`, `(.a | tojson | fromjson) != (.b | tojson | fromjson)`,
		`[.a, .b] | @csv | split(",") | unique | length == 2`,
		`[.a, .b] | to_entries | map(.value) | unique | length == 2`,
	} {
		s, ps := sealed(t, []string{src})
		var d Document
		for _, n := range longIntegers(r, 20) {
			raw := fmt.Sprintf(`{"a":%s,"b":%s}`, n, new(big.Int).Add(n, big.NewInt(1)))
			if err := d.Parse(s, []byte(raw)); err != nil {
				t.Fatal(err)
			}
			if got, failed := outputOf(ps[0], &d); failed || got != "true" {
				t.Errorf("%s of %s gave %s, failed: %t", src, raw, got, failed)
				break
			}
		}
	}
}

// everyFunction gives a program for every function of gojq, with several kinds of arguments, and for every operator.
func everyFunction(t *testing.T) (programs []string) {
	t.Helper()
	q, err := gojq.Parse(`builtins`)
	if err != nil {
		t.Fatal(err)
	}
	code, err := gojq.Compile(q)
	if err != nil {
		t.Fatal(err)
	}
	names, _ := code.Run(nil).Next()
	args := []string{`.`, `0`, `1`, `1.0`, `-1`, `2`, `0.5`, `$x`}
	for _, n := range names.([]any) {
		name, arity, _ := strings.Cut(n.(string), "/")
		if strings.HasPrefix(name, "_") {
			continue
		}
		switch arity {
		case "0":
			for _, form := range []string{`%s`, `[.] | %s`, `[., 0.5] | %s`, `[., 1] | map(%s)`, `{a: .} | %s`,
				`tostring | %s`, `[tostring] | %s`} {
				programs = append(programs, fmt.Sprintf(form, name))
			}
		case "1":
			for _, a := range args {
				programs = append(programs, fmt.Sprintf(`. as $x | %s(%s)`, name, a),
					fmt.Sprintf(`. as $x | [.] | %s(%s)`, name, a))
			}
		case "2":
			for _, a := range args {
				programs = append(programs, fmt.Sprintf(`. as $x | %s(%s; 1)`, name, a),
					fmt.Sprintf(`. as $x | %s(1; %s)`, name, a), fmt.Sprintf(`. as $x | %s(0; %s)`, name, a))
			}
		case "3":
			programs = append(programs, name+`(.; 1; 0)`, name+`(1; .; 0)`, name+`(1; 0; .)`)
		}
	}
	for _, op := range []string{"+", "-", "*", "/", "%"} {
		for _, c := range []string{"0", "1", "1.0", "-1", "2", "0.5", "1.5", "1e0", "1000", "9007199254740993", "0.1"} {
			programs = append(programs, fmt.Sprintf(`. %s %s`, op, c), fmt.Sprintf(`%s %s .`, c, op),
				fmt.Sprintf(`[.] | .[0] %s= %s`, op, c))
		}
	}
	slices.Sort(programs)
	return programs
}

// TestNoFunctionMergesTwoIntegers runs every function of gojq on neighbouring integers. No result with as many digits
// as they have may be the same for both: it could be two persons.
func TestNoFunctionMergesTwoIntegers(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	integers := longIntegers(r, 3)
	compiled, compared := 0, 0
	for i, src := range everyFunction(t) {
		if !longtest.On() && i%5 > 0 {
			continue
		}
		set := NewSet()
		p, err := set.Compile(src)
		if err != nil {
			continue // its argument must be a constant, or it is refused
		}
		compiled++
		set.Seal()
		var d Document
		run := func(n *big.Int) (string, bool) {
			if err := d.Parse(set, []byte(n.String())); err != nil {
				t.Fatal(err)
			}
			return outputOf(p, &d)
		}
		for _, n := range integers {
			next := new(big.Int).Add(n, big.NewInt(1))
			a, failed := run(n)
			if failed || !asLongAsAnID(a) {
				continue
			}
			b, failed := run(next)
			if compared++; !failed && a == b && !constantResult(src) {
				t.Errorf("%s gives %.60s for %s and for %s", src, a, n, next)
				break
			}
		}
	}
	if compiled < longtest.Either(100, 500) || compared < longtest.Either(200, 1000) {
		t.Errorf("only %d programs and %d pairs", compiled, compared)
	}
}

// asLongAsAnID reports whether a text has a whole number of 16 digits or more.
func asLongAsAnID(text string) bool {
	return regexp.MustCompile(`(^|[^.0-9])[0-9]{16,}($|[^.0-9])`).MatchString(text)
}

// constantResult are the programs whose result has digits of its own.
func constantResult(src string) bool {
	return strings.Contains(src, "9007199254740993 %") || strings.Contains(src, "builtins")
}

func TestWhatFloatsCannotHoldFailsByName(t *testing.T) {
	for src, want := range map[string]string{
		`sqrt`:                  "sqrt computes with 64-bit floats, which cannot hold all digits of this number",
		`pow(.; 1)`:             "pow computes with 64-bit floats, which cannot hold all digits of this number",
		`fma(1; .; 0)`:          "fma computes with 64-bit floats, which cannot hold all digits of this number",
		`todate`:                "todate computes with 64-bit floats, which cannot hold all digits of this number",
		`. + 0.5`:               "the result has more digits than a 64-bit float holds; compute with integers alone",
		`. / 2`:                 "the result has more digits than a 64-bit float holds; compute with integers alone",
		`[., 0.5] | add`:        "add computes with 64-bit floats, which cannot hold all digits of this number",
		`"1e400" | tonumber`:    "tonumber: the number is outside the range of 64-bit floats",
		`"1e400" | fromjson`:    "fromjson: a number outside the range of 64-bit floats",
		`infinite`:              "gave a number outside the range of 64-bit floats",
		`1.7e308 * 10`:          "gave a number outside the range of 64-bit floats",
		`"x" | floor`:           "floor needs a number, not a string",
		`def sqrt: "own"; sqrt`: "",
	} {
		v, err := runOne(t, src, `9007199254740993`)
		if want == "" && err == nil && string(v.Raw) == `"own"` {
			continue
		}
		if err == nil || err.Error() != want {
			t.Errorf("%s gave %s, %v", src, v.Raw, err)
		}
	}
}

// Small numbers and fractions are as in jq.
func TestExactFunctionsKeepSmallAnswers(t *testing.T) {
	var forms []string
	for _, name := range []string{"floor", "ceil", "trunc", "round", "nearbyint", "rint", "fabs"} {
		forms = append(forms, ".l | numbers | "+name)
	}
	forms = append(forms, `.l / .r`, `try (.l / .r) catch .`, `.l % .r`, `[.l / (.r, 2)?]`, `.l /= 3`, `.l %= 3`,
		`.l | sqrt?`, `[.l, .r] | add`, `pow(.l; 2)?`, `.l | frexp?`, `.l | todate?`)
	values := []string{`null`, `true`, `0`, `-0`, `1`, `1.0`, `1e3`, `-7`, `7`, `0.1`, `-2.5`, `2.5`, `3.5`,
		`1795687200.123`, `9007199254740991`, `"a,b"`, `","`, `[]`, `[1]`, `{}`}
	for _, form := range forms {
		code := reference(t, form)
		s, ps := sealed(t, []string{form})
		var d Document
		for _, l := range values {
			for _, r := range values {
				raw := fmt.Appendf(nil, `{"l":%s,"r":%s}`, l, r)
				if err := d.Parse(s, raw); err != nil {
					t.Fatal(err)
				}
				if r == "9007199254740991" && strings.ContainsAny(l, ".e") || l == "9007199254740991" &&
					strings.ContainsAny(r, ".e") {
					continue // no fraction has room beside it
				}
				sameAs(t, code, ps[0], &d, raw)
			}
		}
	}
}
