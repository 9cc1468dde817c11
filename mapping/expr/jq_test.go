package expr

import (
	_ "embed"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/mapping/expr/jq"
	"github.com/ciobridge/ciobridge/mapping/expr/limits"
)

func runOne(t testing.TB, src, raw string) (Value, error) {
	t.Helper()
	s, ps := sealed(t, []string{src})
	var d Document
	if err := d.Parse(s, []byte(raw)); err != nil {
		t.Fatal(err)
	}
	return ps[0].One(&d)
}

// instrumentedSources are programs beyond the forms of the fast path, one a line, among them every form that
// instrumenting rewrites.
//
//go:embed jq/testdata/programs.txt
var instrumentedSources string

// Programs beyond the forms of the fast path: instrumenting must not change what gojq answers.
func TestInstrumentedKeepsAnswers(t *testing.T) {
	raw := []byte(`{"items":[{"sku":"a","qty":2,"price":9.99},{"sku":"b","qty":1,"price":120},{"sku":"a","qty":5,"price":1}],"n":123456789012345678901234567890,"s":"Zoë","x":null,"t":"2026-03-14T09:26:53Z","tags":["a","b"]}`)
	for _, src := range strings.Split(strings.TrimSpace(instrumentedSources), "\n") {
		sameAsGojq(t, src, raw, false)
	}
}

// Each of these programs would run for ever or take all memory. They must end soon.
func TestProgramsMeetTheirLimits(t *testing.T) {
	long := `{"s":"` + strings.Repeat("aé", 20_000) + `","n":1e9,"list":[` + strings.Repeat("1,", 20_000) +
		`2],"deep":{"x":1}}`
	for i, src := range []string{
		`[range(0; infinite)]`, `def f: f; f`, `def f: 1 + f; f`, `def f: [f]; f`, `last(repeat(1))`,
		`[limit(1e9; repeat(1))]`,
		`reduce range(1e9) as $i (0; [.])`, `until(false; .)`, `[recurse(.)] | length`,
		`[.list[] as $a | .list[] as $b | $a] | length`,
		`repeat(1)`, `range(infinite)`, `"x" * 1e9`, `1e9 * "x"`, `.s * .n`, `.s *= .n`,
		`reduce range(100) as $i ("xxxxxxxx"; . * 10)`,
		`reduce range(100) as $i ("x"; . + .)`, `reduce range(100) as $i ([1]; . + .)`,
		`reduce range(100) as $i ("x"; . += .)`, `reduce range(100) as $i (10; . * .)`,
		`reduce range(100) as $i (10; . *= .)`,
		`reduce range(60) as $i (1; [., .]) | tojson`, `reduce range(60) as $i (1; [., .])`,
		`reduce range(60) as $i (1; [., .]) | "\(.)"`, `reduce range(60) as $i (1; [., .]) | . == .`,
		`reduce range(60) as $i (1; [., .]) | sort`, `reduce range(60) as $i (1; [., .]) | flatten`,
		`reduce range(60) as $i (1; {a: ., b: .}) | @json`,
		`reduce range(60) as $i ({}; .a = . | .b = .) | tostring`,
		`reduce range(60) as $i (1; {a: ., b: .}) | . * .`,
		`[] | .[1e8] = 1`, `[] | .[1e8] |= 1`, `[] | .[1e8] += 1`, `[] | setpath([1e8]; 1)`, `null | pick(.[1e8])`,
		`fromstream([[1e8], 1], [[1e8]])`, `[] | .[536870911] //= 1`,
		`.list as $l | $l - $l`, `.list as $l | $l | contains($l)`, `[.list, (range(2000)|[.])] | transpose`,
		`[.list, (range(1000)|[.])] | transpose`,
		`null | path(repeat(.[0]))`, `null | [limit(100000; path(repeat(.a)))]`,
		`.s | [range(100000) as $i | .[$i:]] | length`, `[range(1e6)] | .[range(1e6):] |= []`,
		`null | setpath([range(1001)]; 1)`, `[range(1001)] as $p | null | getpath($p)`,
		`fromstream([[range(1001)], 1], [[0]])`,
		`null | pick(getpath([range(1001)]))`, `null | delpaths([[range(1001)]])`,
		`null | getpath([range(1001)]) |= 1`,
		`reduce range(3) as $i (1; . as $v | null | setpath([range(900)]; $v)) | tojson`,
		`reduce range(2000) as $i (1; [.]) | . == .`, `reduce range(2000) as $i (1; [.]) | [paths]`,
		`reduce range(2000) as $i (1; [.])`, `reduce range(2000) as $i (1; {a: .})`, `"9" * 1001 | tonumber`,
		`jn(2e9; 3e9)`, `[.list, .list, .list] | [combinations] | length`, `[range(2000) | [1]] | combinations`,
		`.list | map($message)`, `.list | map({a: ., b: $message})`,
		`.list | map(select(($message | tostring) == "x"))`, `[limit(500; repeat("x" * 10000))] | add`,
		`[limit(500; repeat("x" * 10000))] | join("")`, `reduce range(100) as $i ("\""; tojson)`,
		`reduce range(100) as $i ("%%"; . * 2 | @uri)`,
	} {
		if !longtest.On() && i%5 > 0 {
			continue
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		raw := `{}`
		if strings.Contains(src, ".s") || strings.Contains(src, ".list") {
			raw = long
		}
		s, ps := sealed(t, []string{src})
		var d Document
		if err := d.Parse(s, []byte(raw)); err != nil {
			t.Fatal(err)
		}
		d.Bind("message", Value{Kind: Object, Raw: []byte(`{"key":"` + strings.Repeat("k", 1000) + `"}`)})
		err := ps[0].Each(&d, func(Value) error { return nil })
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		var failure *EvalError
		if !errors.As(err, &failure) || failure.Kind != TimedOut && failure.Kind != limits.TooMuch {
			t.Errorf("%s: got %v, want TimedOut or limits.TooMuch", src, err)
		}
		grown := (after.TotalAlloc - before.TotalAlloc) >> 20
		t.Logf("%-60s %8s %4d MiB", src, took.Round(time.Millisecond), grown)
		if took > time.Minute || grown > 96 {
			t.Errorf("%s took %s and allocated %d MiB", src, took, grown)
		}
	}
}

// A run is stopped by what it did and not by a timer, so that it ends where the clock stands still.
func TestTimedOutWithoutClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var failure *EvalError
		if _, err := runOne(t, `def f: f; f`, `{}`); !errors.As(err, &failure) || failure.Kind != TimedOut {
			t.Errorf("got %v", err)
		}
	})
}

// One set serves many goroutines, each with its own document.
func TestConcurrentUse(t *testing.T) {
	s, ps := sealed(t, []string{`.data.total`, `{id: .user.id}`, `[.data.items[] | .qty * 2] | add`, `.time | unix`,
		`.data.notes | test("door")`})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var d Document
			for range 50 {
				if err := d.Parse(s, event1000); err != nil {
					t.Error(err)
				}
				got := ""
				for _, p := range ps {
					v, err := p.One(&d)
					if err != nil {
						t.Error(err)
					}
					got += string(v.Raw) + " "
				}
				if want := `184.90 {"id":"c_7781"} 12 1773480413 true `; got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			}
		})
	}
	wg.Wait()
}

// FuzzSetCompile checks that no program makes Compile panic, and that a set takes what gojq's side of it takes.
func FuzzSetCompile(f *testing.F) {
	for src := range strings.Lines(instrumentedSources) {
		f.Add(src)
	}
	for _, src := range []string{`.a.b == 1`, `.["a\(.b)"]?`, `.a[.b - 1:]`, `.. == 1`, `{"a\(1)": 2, (.b): 3}`,
		`.a.`, `[.a[] | {b, c: .d?}]`} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		_, ours := NewSet().Compile(src, "message")
		source, err := jq.Parse(src, nil, []string{"message"})
		if err == nil {
			_, err = jq.Compile(source.Query, slices.DeleteFunc([]string{"message"},
				func(v string) bool { return !slices.Contains(source.Used, "$"+v) }))
		}
		if (err == nil) != (ours == nil) {
			t.Errorf("%s: %v, want %v", src, ours, err)
		}
	})
}

// Assignments copy what they change once, like gojq's, and must give what those give.
func TestAssignsLikeGojq(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	left := func() string {
		return pick(".a", ".a.b", ".items[]", ".items[].a", ".items[0]", ".items[-1].b", ".x[1:]", ".x[:2]",
			".x[1:][0]", ".x[3]", "(.a, .b)", "(.a, .a.b, .a)", "(.x[0], .x, .x[1])", "..", ".items[.n]", ".[pick2]",
			".x[0,2]", "(.items[] | select(.a == 1))",
			"(.. | numbers)", "first(.items[])", "getpath([\"a\",\"b\"])", ".missing.deep", ".missing[2]",
			"(.x | .[1:] | .[0])", "if .n then .a else .b end", "(.a // .b)", "recurse(.a?; . != null)",
			"limit(2; .x[])", "(.x, .x[2:])", ".x[5:7]", ".items[1e0]", ".n", ".x[[1]]", "empty", "error(1)")
	}
	right := func() string {
		return pick("1", ".", "empty", "(., 2)", "[.]", "{c: .}", "null", "(.. | numbers)", "length",
			"if type == \"number\" then empty else . end", ".[0]?", "[1,2,3]", ". + 1", "(.a |= 3)", "$message",
			"map_values(.)?", "tojson", "error", ".a?", "(select(. != 1) | .)")
	}
	raw := []byte(`{"a":{"b":1,"c":[1,{"b":2}]},"b":5,"n":1,"x":[1,[2],3,1],"items":[{"a":1,"b":{"a":2}},{"a":[3]},4]}`)
	outputs := 0
	rounds := longtest.Either(60, 1500)
	for range rounds {
		src := left() + " " + pick("=", "|=", "|=", "+=", "-=", "*=", "//=") + " " + right()
		switch r.IntN(6) {
		case 0:
			src = "(" + src + ")? // . | " + left() + " |= " + right()
		case 1:
			src = "del(" + left() + ")"
		case 2:
			src = "to_entries | map(.value |= " + right() + ") | from_entries"
		case 3:
			src = pick("walk(", "map_values(", "with_entries(.value |= ") + right() + ")"
		case 4:
			src = pick("[paths]", "[tostream]", "pick("+left()+")", "INDEX(.items[]; .a?)", "[.x | combinations(2)]",
				"fromstream(tostream | select(length > 1 or true))", "group_by(.a?)?", "[.[] | .. ]",
				"[getpath([\"x\",1,0], [\"a\",\"z\"])]", "add(.x[] | numbers)", ".x | unique_by(type)",
				"[splits(\"a\")?]", "IN(.x[]; 1, 3)", ".x | IN([1])", "[limit(3; ..)]",
				"fromstream(1 | truncate_stream([[0],1],[[1,0],2],[[1,0]],[[1]]))")
		}
		src = strings.ReplaceAll(src, ".[pick2]", pick(".a", ".[\"a\", \"b\"]"))
		if strings.Contains(src, ".x[[1]]") {
			continue // no index here
		}
		sameAsGojq(t, src, raw, false)
		if v, err := runOne(t, "["+src+"]", string(raw)); err == nil && len(v.Raw) > 2 {
			outputs++
		}
		if t.Failed() {
			t.Fatal(src)
		}
	}
	if outputs < rounds/3 {
		t.Errorf("only %d outputs", outputs)
	}
}
