package expr

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestCompileErrors(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{`.a |`, `expression ".a |" at byte 4: ends too early: a bracket, a quote or an operand is missing`},
		{`.a.b-c d`, `at byte 7: unexpected "d"`},
		{`.a ) .b`, `at byte 3: unexpected ")"`},
		{`{"a": 1`, `ends too early`},
		{`foo(.a)`, `function not defined: foo/1`},
		{`.a | @base32d`, `no such format; there are @text, @json,`},
		{`"x" | @foo "\(.a)"`, `no such format`},
		{`.a | $mesage.key`, `at byte 5: unknown variable $mesage; known here: $message, $item`},
		{`.a | now`, `at byte 5: now is different at every replay`},
		{`{a: [.b[] | input]}`, `input is not available`},
		{`"\(env.HOME)"`, `env is not available`},
		{`$ENV.HOME`, `$ENV is not available`},
		{`if .a then halt else . end`, `halt is not available`},
		{`def f: debug; f`, `debug is not available`},
		{`reduce inputs as $x (0; . + 1)`, `inputs is not available`},
		{`.a as {b: $c} | {(halt_error): 1}`, `halt_error is not available`},
		{`[foreach .[] as $x (0; 1; stderr)]`, `stderr is not available`},
		{`{$ENV}`, `$ENV is not available`},
		{`.[localtime]`, `localtime depends on the machine's time zone`},
		{`import "a" as a; .`, `modules are not available`},
		{`include "a"; .`, `modules are not available`},
		{`"a" | modulemeta`, `modules are not available`},
		{`get_search_list`, `modules are not available`},
		{`.a | test(.b)`, `at byte 5: test needs its regular expression as a constant string, such as test("^c_")`},
		{`.a | gsub("a\(.b)"; "")`, `gsub needs its regular expression`},
		{`.a | sub("a"; "b"; .flags)`, `sub needs its regular expression`},
		{`.a | split(.b; null)`, `split needs its regular expression`},
		{`input_filename`, `input_filename is not available`},
	} {
		_, err := NewSet().Compile(c.src, "message", "item")
		var failure *CompileError
		if !errors.As(err, &failure) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q in it", c.src, err, c.want)
		}
	}
}

// Each of these programs would end check with a stack overflow, or hold it for minutes.
func TestProgramLimits(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"a million brackets", strings.Repeat("[", 500_000) + "1" + strings.Repeat("]", 500_000),
			"at byte 16384: longer than 16 KiB"},
		{"1 MB of steps", strings.Repeat(".a", 500_000), "longer than 16 KiB"},
		{"257 brackets", strings.Repeat("(", 257) + "1" + strings.Repeat(")", 257),
			"at byte 256: more than 256 brackets inside each other"},
		{"256 brackets", strings.Repeat("(", 256) + "1" + strings.Repeat(")", 256), ""},
		{"257 brackets, one behind the other", strings.Repeat("[1]|", 257) + ".", ""},
		{"1,001 steps", strings.Repeat(".a", 1001), "a path of more than 1,000 steps"},
		{"1,001 steps in brackets", "[." + strings.Repeat("[0]", 1001) + "]", "a path of more than 1,000 steps"},
		{"1,001 digits", ".a > " + strings.Repeat("7", 1001), "a number of more than 1,000 digits"},
		{"1,000 digits", ".a > " + strings.Repeat("7", 1000), ""},
		{"minus", strings.Repeat("-", 16_000) + "1", ""},
		{"pipes", strings.Repeat(".|", 8000) + ".", ""},
		{"additions", strings.Repeat("1+", 8000) + "1", ""},
		{"definitions", strings.Repeat("def f: ", 1500) + "1;" + strings.Repeat("1;", 1499) + "1", ""},
		{"assignments", strings.Repeat("(", 100) + ".a" + strings.Repeat("|=1)", 100), ""},
		{"assignments to a sum", strings.Repeat("(", 100) + ".a" + strings.Repeat("+=1)", 100), ""},
		{"replacements", strings.Repeat(`gsub("a"; `, 100) + `"b"` + strings.Repeat(")", 100), ""},
		{"interpolation", strings.Repeat(`"\(`, 100) + `1` + strings.Repeat(`)"`, 100), ""},
		{"calls", strings.Repeat(`contains(`, 100) + `.a` + strings.Repeat(`)`, 100), ""},
		{"steps with an index", strings.Repeat(`.[.a`, 100) + strings.Repeat(`]`, 100), ""},
	} {
		start := time.Now()
		_, err := NewSet().Compile(c.src)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q in it", c.name, err, c.want)
		}
		if err != nil && len(err.Error()) > 500 {
			t.Errorf("%s: the error has %d bytes", c.name, len(err.Error()))
		}
		if took := time.Since(start); took > time.Minute {
			t.Errorf("%s: took %s", c.name, took)
		}
	}
}

// Errors say which kinds met, and never what the values were.
func TestEvalErrors(t *testing.T) {
	raw := `{"s":"secret","n":42424242,"o":{"secret":"secret"},"l":["secret"],"t":true}`
	for _, c := range []struct{ src, want string }{
		{`.s.x`, "cannot index a string with a string"}, {`.n.x`, "cannot index a number with a string"},
		{`.o[0]`, "cannot index an object with a number"}, {`.l.x`, "cannot index an array with a string"},
		{`.t.x.y`, "cannot index a boolean with a string"}, {`.n[]`, "cannot iterate over a number"},
		{`.n | ascii_downcase`, "ascii_downcase needs a string, not a number"},
		{`.s, .n`, "gave more than one output; wrap it in first(…) or [ … ] to get one"},
		{`.l[], .n`, "gave more than one output; wrap it in first(…) or [ … ] to get one"},
		{`.s + .n`, "cannot add; met a string, a number"},
		{`.s | tonumber`, "tonumber does not take this; met a string"},
		{`.o | .secret | .[.s]`, "only an object has keys; met a string"},
		{`.o | keys | .x`, "only an object has keys; met an array"}, {`error(.s)`, "called error"},
		{`.s | utf8bytelength | .[]`, "[] needs an array or an object; met a number"},
		{`{(.n | tojson | tonumber): 1}`, "a key must be a string; met a number"},
		{`.s | unix`, "is a string that is no time such as 2026-03-14T09:26:53Z"},
		{`[.s | unix] | add`, "is a string that is no time such as 2026-03-14T09:26:53Z"},
		{`.n / 0 * 1`, "division by zero; met a number, a number"}, {`def f: f; f`, "did not end within 10 ms"},
	} {
		_, err := runOne(t, c.src, raw)
		var failure *EvalError
		if !errors.As(err, &failure) || err.Error() != c.want {
			t.Errorf("%s: got %v, want %q", c.src, err, c.want)
		}
		if err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "4242")) {
			t.Errorf("%s: %v quotes a value", c.src, err)
		}
	}
}

func TestUnix(t *testing.T) {
	for _, c := range []struct{ in, f, want string }{
		{`"2026-03-14T09:26:53Z"`, "unix", "1773480413"}, {`"2026-03-14T09:26:53.999Z"`, "unix", "1773480413"},
		{`"2026-03-14T10:26:53+01:00"`, "unix", "1773480413"},
		{`"2026-03-14t04:56:53.1-04:30"`, "unix_ms", "1773480413"},
		{`"2024-02-29T00:00:00z"`, "unix", "1709164800"}, {`"2016-12-31T23:59:60Z"`, "unix", "1483228800"},
		{`"2026-03-14T09\u003a26:53Z"`, "unix", "1773480413"}, {`1773480413`, "unix", "1773480413"},
		{`1773480413120`, "unix_ms", "1773480413"},
		{`1773480413.0`, "unix", "1773480413"}, {`1.773480413e9`, "unix", "1773480413"}, {`null`, "unix", "null"},
		{`null`, "unix_ms", "null"}, {`86400`, "unix", "86400"}, {`7289654399`, "unix", "7289654399"},
		{`1773480413120`, "unix", "looks like milliseconds: use unix_ms"},
		{`100000000001`, "unix", "looks like milliseconds: use unix_ms"},
		{`1773480413`, "unix_ms", "looks like seconds: use unix"},
		{`7289654399`, "unix_ms", "looks like seconds: use unix"}, {`99999999999`, "unix_ms", "99999999"},
		{`7289654399999`, "unix_ms", "7289654399"}, {`7289654400000`, "unix_ms", "is no time from 1800 to 2200"},
		{`100000000000`, "unix_ms", "100000000"}, {`99999999999`, "unix", "is no time from 1800 to 2200"},
		{`100000000000`, "unix", "looks like milliseconds: use unix_ms"},
		{`1773480413120456`, "unix", "looks like microseconds: use unix_us"},
		{`1773480413120456`, "unix_ms", "looks like microseconds: use unix_us"},
		{`1773480413120456789`, "unix_ms", "looks like nanoseconds: use unix_ns"},
		{`86399`, "unix", "is no time from"},
		{`7289654400`, "unix", "is no time from 1800 to 2200"}, {`-5`, "unix", "is no time from"},
		{`1773480413.5`, "unix", "1773480413"},
		{`1773480413120.5`, "unix", "looks like milliseconds: use unix_ms"},
		{`1e300`, "unix", "is no time from 1800 to 2200"}, {`0.5`, "unix", "is no time from"},
		{`99999999999999999999`, "unix", "is no time from 1800 to 2200"}, {`true`, "unix", "is a boolean"},
		{`[1]`, "unix", "is an array"},
		{`"1773480413"`, "unix", "1773480413"},
		{`"+1773480413"`, "unix", "is no time such as"}, {`"12"`, "unix", "is no time such as"},
		{`"9999-12-31T23:59:59Z"`, "unix", "is no time from 1800 to 2200"}, {`"0001-01-01T00:00:00Z"`, "unix", "null"},
		{`"0000-01-01T00:00:00Z"`, "unix", "null"},
		{`"2026-02-30T00:00:00Z"`, "unix", "is no time such as"},
		{`"2026-03-14"`, "unix", "1773446400"},
		{`"2026-03-14T09:26:53"`, "unix", `is a time without a zone: name its zone, as in unix("Europe/Oslo")`},
		{`"2026-03-14T09:26:53.Z"`, "unix", "is no time such as"},
		{`"2026-03-14T24:00:00Z"`, "unix", "is no time such as"},
		{`"2026-03-14T09:26:53+1:00"`, "unix", "is no time such as"},
		{`"1969-03-14T09:26:53Z"`, "unix", "-25281187"}, {`"2201-01-01T00:00:00Z"`, "unix", "is no time from 1800 to 2200"},
		{`""`, "unix", "null"},
		{`"2026-03-14T10:26:53+0100"`, "unix", "1773480413"}, {`"2026-03-14 10:26:53+01"`, "unix", "1773480413"},
		{`"2026-03-14T09:26Z"`, "unix", "1773480360"}, {`"2026-03-14 09:26:53,5 UTC"`, "unix", "1773480413"},
		{`"Sat, 14 Mar 2026 09:26:53 GMT"`, "unix", "1773480413"}, {`"Saturday, 14-Mar-26 09:26:53 GMT"`, "unix", "1773480413"},
		{`"sat, 4 mar 2026 09:26:53 gmt"`, "unix", "1772616413"}, {`"Sat Mar 14 09:26:53 2026"`, `unix("UTC")`, "1773480413"},
		{`"Sat Mar 14 2026 10:26:53 GMT+0100 (Central European Standard Time)"`, "unix", "1773480413"},
		{`"Sat Mar 14 09:26:53 +0000 2026"`, "unix", "1773480413"}, {`"Sat Mar 14 09:26:53 UTC 2026"`, "unix", "1773480413"},
		{`"2026-03-14T10:26:53+01:00[Europe/Oslo]"`, "unix", "1773480413"},
		{`"2026-03-14T09:26:53Z[UTC]"`, "unix", "1773480413"}, {`"2026-03-14T10:26:53[Europe/Oslo]"`, "unix", "1773480413"},
		{`"2026-03-14T10:26:53[Europe/Asgard]"`, "unix", "names a time zone that is not known"},
		{`"2026-03-14 10:26:53.123 +0100 CET"`, "unix", "1773480413"}, {`"20260314T092653Z"`, "unix", "1773480413"},
		{`"2026/03/14 09:26:53Z"`, "unix", "1773480413"}, {`"1773480413.5"`, "unix", "1773480413"},
		{`"1773480413120"`, "unix_ms", "1773480413"}, {`"1773480413120"`, "unix", "looks like milliseconds: use unix_ms"},
		{`"20260314"`, "unix", "is no time such as"}, {`"03/14/2026 09:26"`, "unix", "is no time such as"},
		{`{"seconds":1773480413,"nanos":999999999}`, "unix", "1773480413"},
		{`{"seconds":"1773480413"}`, "unix_ms", "1773480413"}, {`{"_seconds":1773480413,"_nanoseconds":0}`, "unix", "1773480413"},
		{`{"seconds":-62135596800,"nanos":0}`, "unix", "null"}, {`{"seconds":1773480413,"x":0}`, "unix", "is an object"},
		{`{"seconds":1773480413,"nanos":1000000000}`, "unix", "nanoseconds that are not"},
		{`{"seconds":1773480413.5}`, "unix", "no whole unix seconds"}, {`{"seconds":"x"}`, "unix", "no whole unix seconds"},
		{`{}`, "unix", "is an object"}, {`{"nanos":1}`, "unix", "is an object"},
		{`1773480413120456`, "unix_us", "1773480413"}, {`1773480413120456789`, "unix_ns", "1773480413"},
		{`1773480413`, "unix_us", "looks like seconds: use unix"}, {`1773480413120`, "unix_ns", "looks like milliseconds: use unix_ms"},
		{`0`, "unix", "null"}, {`"0"`, "unix_ms", "null"}, {`"0001-01-01T00:00:00"`, "unix", "null"},
		{`"0000-00-00 00:00:00"`, "unix", "null"}, {`" "`, "unix", "null"}, {`-62135596800000`, "unix_ms", "null"},
		{`"1985-03-12"`, "unix", "479433600"}, {`"1955-03-12"`, "unix", "-467337600"}, {`-467078400`, "unix", "-467078400"},
		{`-467078400.5`, "unix", "-467078401"}, {`-467078400500`, "unix_ms", "-467078401"},
		{`"2026-03-14T10:26:53"`, `unix("Europe/Oslo")`, "1773480413"}, {`"2026-03-14T10:26:53"`, `unix_ms("+0100")`, "1773480413"},
		{`"2026-03-14T09:26:53Z"`, `unix("Europe/Oslo")`, "1773480413"}, {`"2026-03-14"`, `unix("Europe/Oslo")`, "1773442800"},
		{`"2026-10-25T02:30:00"`, `unix("Europe/Oslo")`, "1792888200"}, // shown twice: the first one
		{`"2026-03-29T02:30:00"`, `unix("Europe/Oslo")`, "1774747800"}, // left out: 03:30
		{`"2026-03-08 02:30:00"`, `unix("America/New_York")`, "1772955000"},
		{`"2026-11-01 01:30:00"`, `unix("America/New_York")`, "1793511000"},
	} {
		for _, src := range []string{`.x | ` + c.f, `[.x] | map(` + c.f + `) | add`} {
			v, err := runOne(t, src, `{"x":`+c.in+`}`)
			got := string(v.Raw)
			if err != nil {
				got = err.Error()
			}
			if got != c.want && (err == nil || !strings.Contains(got, c.want)) {
				t.Errorf("%s | %s: got %s, want %s", c.in, src, got, c.want)
			}
		}
	}
}

func TestVariables(t *testing.T) {
	s, ps := sealed(t, []string{`$item.sku`, `[$item.sku, 1] | add?`, `$message.key`, `.id + $item.sku`})
	var d Document
	asked := 0
	run := func(i int) string {
		v, err := ps[i].One(&d)
		if err != nil {
			return err.Error()
		}
		return string(v.Raw)
	}
	if err := d.Parse(s, []byte(`{"id":"x"}`)); err != nil {
		t.Fatal(err)
	}
	d.BindFunc("message", func() Value { asked++; return Value{Kind: Object, Raw: []byte(`{"key":"k"}`)} })
	if got := run(0); got != "null" {
		t.Errorf("an unbound variable is %s", got)
	}
	for _, sku := range []string{`"a"`, `"b"`} {
		d.Bind("item", Value{Kind: Object, Raw: []byte(`{"sku":` + sku + `}`)})
		if got, joined := run(0), run(3); got != sku || joined != `"x`+sku[1:] {
			t.Errorf("item %s: %s %s", sku, got, joined)
		}
	}
	if asked != 0 {
		t.Error("made a value that nobody read")
	}
	if first, again := run(2), run(2); first != `"k"` || again != first || asked != 1 {
		t.Errorf("made $message %d times", asked)
	}
	if err := d.Parse(s, []byte(`{}`)); err != nil || run(2) != "null" {
		t.Errorf("a variable outlived its document: %v", err)
	}
}

func TestPath(t *testing.T) {
	for src, want := range map[string]bool{`.data.id`: true, `.a["b c"][0]?`: true, `$item.sku`: true, `.`: true,
		`.a[-1]`: true, `.a // .b`: false, `"x"`: false, `.a[]`: false, `.a | unix`: false, `[.a]`: false} {
		_, ps := sealed(t, []string{src})
		if got := ps[0].Path(); (got == src) != want || got != "" && got != src {
			t.Errorf("%s: path %q", src, got)
		}
	}
}

// Programs on the fast path allocate nothing once a document's memory has grown.
func TestFastPathAllocations(t *testing.T) {
	srcs := append([]string{`.type == "shop.order.completed" and .data.total > 100.0`,
		`{total: .data.total, id: (.user.id // .data.customer_id)}`, `.time | unix`, `"\(.id)-\(.data.total)"`,
		`.data.tier | ascii_upcase`,
		`.data.items[-1].sku`, `$item.sku`, `if .data.gift then "gift" else "none" end`, `.data.coupon // "none"`,
		`.user.email | startswith("ada")`}, paths1000...)
	s, ps := sealed(t, srcs)
	item := Value{Kind: Object, Raw: []byte(`{"sku":"a"}`)}
	var d Document
	n := testing.AllocsPerRun(100, func() {
		if err := d.Parse(s, event1000); err != nil {
			t.Error(err)
		}
		d.Bind("item", item)
		for _, p := range ps {
			if v, err := p.One(&d); err != nil || v.Kind == Absent || !p.OnFastPath() {
				t.Errorf("%s: %v %v", p, v.Kind, err)
			}
		}
	})
	if n != 0 {
		t.Errorf("%v allocations per document, want none", n)
	}
}
