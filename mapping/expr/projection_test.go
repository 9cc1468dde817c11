package expr

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/mapping/expr/projection"
)

// Programs on gojq are given what they read of the document. They must answer as if they had all of it, even where
// they ask for what a message quotes.
func TestProjection(t *testing.T) {
	want := fromEnvironment(t, "CIOBRIDGE_EXECUTIONS_JQ", longtest.Either(1_000, 20_000))
	seed := fromEnvironment(t, "CIOBRIDGE_SEED", 1)
	outputs, parts := 0, 0
	for batch := uint64(0); want > 0; batch++ {
		g := &generator{rand.New(rand.NewPCG(uint64(seed), batch))}
		s, programs := NewSet(), []*Program(nil)
		for len(programs) < 20 {
			src := g.full(1 + g.IntN(3))
			p, err := s.Compile(src, "message", "item")
			if err != nil {
				t.Fatalf("%s: %v", src, err)
			}
			if p.jq != nil && p.projection != projection.Whole {
				programs = append(programs, p)
			}
			parts += len(programs)
		}
		s.Seal()
		var d Document
		for range 50 {
			raw := []byte(g.event())
			if err := d.Parse(s, raw); err != nil {
				t.Fatal(err)
			}
			d.Bind("message", Value{Kind: Object, Raw: []byte(testMessage)})
			for _, p := range programs {
				want--
				outputs += sameAsWhole(t, &d, p)
			}
			if t.Failed() {
				t.Fatalf("on %s", raw)
			}
		}
	}
	if outputs == 0 {
		t.Error("the programs say nothing")
	}
}

// sameAsWhole runs p on what it reads and on the whole document, and gives the number of outputs.
func sameAsWhole(t *testing.T, d *Document, p *Program) int {
	t.Helper()
	run := func(p *Program) (outputs []string) {
		err := d.runJQ(p, func(v Value) error {
			outputs = append(outputs, string(v.Raw))
			return nil
		})
		return append(outputs, fmt.Sprint(err))
	}
	got := run(p)
	want := run(&Program{jq: p.jq, projection: projection.Whole})
	if slow := "did not end within 10 ms"; got[len(got)-1] == slow || want[len(want)-1] == slow {
		return 0
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s\n got %v\nwant %v", p, got, want)
	}
	return len(got) - 1
}

// full makes programs beyond the forms of the fast path, which read the document in all ways.
func (g *generator) full(depth int) string {
	if depth == 0 {
		return g.program(g.IntN(2))
	}
	x := func() string { return g.full(depth - 1) }
	var b strings.Builder
	for i, part := range strings.Split(g.pick(fullForms...), "□") {
		if i > 0 {
			b.WriteString("(" + x() + ")")
		}
		b.WriteString(part)
	}
	return b.String()
}

// fullForms are programs in which each □ stands for another program.
var fullForms = []string{
	"□ + □", "□ - □", "□, □", "□ | □", "□ == □", "□ // □", "[□]", "{a: □, b: □}", "{(□ | tostring): □}", "{a, items}",
	`{"b": □, "c"}`, "□ | {a}", "{$message, a: □}", `{"a\(□)"}?`, `{"d"}`, "-□", "□ * 2", "□ % 3", "□ / 2", "□[]",
	"□[]?", "□[0]", "□[□]?", "□[1:]?", "□[:□]?", "□.a", "□.b?",
	"□ | map(□)", "map(□)?", "□ | map(.a?)", "□ | select(□)", "select(□)", "□[] | select(□) | □", "first(□)",
	"last(□)", "limit(2; □)", "skip(1; □)", "isempty(□)", "any(□; □)", "all(□[]?; . == 1)", "□ | any(□)",
	"□ | all(□)", "any", "first", "□ | last", "□ | first.a", "nth(1; □)", "range(□)?",
	"[limit(20; range(□; 5)?)]", "□ as $v | □", "□ as $v | [$v, □]", "□ as [$v] | $v", "□ as {a: $v} | [$v, □]",
	". as {(□ | tostring): $v} | $v", `. as {"\(□)": $v} | $v`, "□ as [$v] ?// $v | [$v, □]",
	"reduce □ as $v (□; [., $v])", "reduce □[]? as $v (0; . + 1)", "[limit(9; foreach □ as $v (□; [.]; □))]",
	"[foreach □[]? as {a: $v} (0; . + 1; [$v, .])]?",
	"try □ catch .", "try □", "(□)? // □", "try error(□) catch .", "error(□)?", "try (□ | error) catch □",
	"if □ then □ else □ end", "if □ then □ end", "if □ then □ elif □ then □ end", "label $l | □, break $l",
	"label $l | □ | ., break $l", "def f: □; f", "def f(g): □ | g; f(□)", "def f($v): $v | □; f(□)",
	"□ | (def f: □; f)", "[□ | ..]", "[..]", ".. == 1", "[recurse(□[]?; . != null)] | length",
	"□ | keys?", "to_entries?", "□ | to_entries? | length", "□ | with_entries(.value |= □)?", "□ | del(.a)?",
	"del(□)?", "□ | has(\"a\")?", "has(\"a\")?", "□ | length", "[paths]", "path(□)?", "[path(..)] | length",
	"getpath([\"a\", \"b\"])?", "□ | getpath([\"a\"])?", "pick(.a)?", "□ | tojson", "tojson", "tostring",
	"□ | @json", "@json \"<\\(□)>\"", "@text", "\"\\(□)\\(□)\"",
	".a = □", ".a |= □", "(□ | .a) |= □", ".a += □", ".items[0] //= □", "□ | .b = □", "□ | sort?", "□ | sort_by(□)?",
	"□ | group_by(.a?)?", "□ | unique?", "□ | add?", "add(□)?", "□ | flatten?", "□ | min?", "□ | reverse?",
	"□ | contains(□)?", "□ | index(\"a\")?", "□ | ascii_downcase?", "□ | ltrimstr(□)", "□ | tonumber?",
	"□ | type", "□ | not", "□ | test(\"a\")?", "□ | sub(\"a\"; \"b\")?", "□ | splits(\"a\")?",
	"□ | IN(□)", "INDEX(□; .a?)?", "walk(□)", "□ | transpose?", "□ | explode?", "□ | floor?", "□ < infinite",
	"empty, □", "□ | values", "□ | objects", "□ | unix?", "$message | □", "[□ | numbers]",
	"□ | to_entries[]? | .value", "□ | join(\",\")?", "□ | tostream?", "[splits(\"a\")]?", "getpath(□)?",
}
