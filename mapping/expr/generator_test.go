package expr

import (
	"math/rand/v2"
	"strings"
)

// generator makes documents, and programs of the forms of the fast path.
type generator struct{ *rand.Rand }

func (g *generator) pick(list ...string) string { return list[g.IntN(len(list))] }

// value makes a document out of the values that are easily got wrong.
func (g *generator) value(depth int) string {
	space := func() string { return g.pick("", "", " ", "\n\t") }
	var parts []string
	switch n := g.IntN(3); {
	case depth > 0 && n == 0:
		for range g.IntN(4) {
			parts = append(parts, space()+g.value(depth-1)+space())
		}
		return "[" + strings.Join(parts, ",") + "]"
	case depth > 0 && n == 1:
		for _, key := range []string{`"a"`, `"\u0062"`, `"c"`, `"d"`, `"items"`, `"é"`} {
			if g.IntN(2) == 0 {
				parts = append(parts, space()+key+space()+":"+space()+g.value(depth-1)+space())
			}
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	return g.pick("null", "false", "true", "0", "-0", "1", "1.0", "1e0", "-1", "1.5", "15e-1", "1000", "1e3",
		"9007199254740992", "9007199254740993", "9007199254740992.0",
		"9223372036854775807", "9223372036854775808", "86400", "1773480413120", `""`, `"a"`, `"\u0061"`, `"aé"`,
		`"A\n\"\\\/"`, `"\ud83d\ude00"`, `"2026-03-14T09:26:53Z"`, "[]", "{}")
}

// event makes a document that has the shape of an event, mostly.
func (g *generator) event() string {
	if g.IntN(4) == 0 {
		return g.value(4)
	}
	var parts []string
	for _, key := range []string{"a", "b", "c", "d", "data", "items", "total", "user", "id"} {
		if g.IntN(3) > 0 {
			parts = append(parts, `"`+key+`":`+g.value(3))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func (g *generator) path() string {
	p := ""
	for range 1 + g.IntN(3) {
		p += g.pick(".a", ".b", ".c", ".d", `."a"`, `.["b"]`, ".[0]", ".[1]", ".[-1]", ".data", ".items", ".total",
			".user", ".id") + g.pick("", "", "", "?")
	}
	return p
}

func (g *generator) program(depth int) string {
	if depth == 0 {
		return g.pick(g.path(), g.path(), ".", "$message.offset", "null", "true", "false", "1", "-1", "1.5", "1000",
			`"a"`, `"aé"`, "{}", "[]", "empty")
	}
	x := func() string { return g.program(depth - 1 - g.IntN(depth)) }
	switch g.IntN(14) {
	case 0, 1:
		return "(" + x() + " " + g.pick("==", "!=", "<", "<=", ">", ">=") + " " + x() + ")"
	case 2:
		return "(" + x() + " " + g.pick("and", "or") + " " + x() + ")"
	case 3:
		return "(" + x() + " // " + x() + ")"
	case 4:
		return "(" + x() + " | " + x() + ")"
	case 5:
		return "{b: " + x() + ", a: " + x() + ", " + g.pick("a", "b", "d") + ": " + x() + "}"
	case 6:
		return "[" + x() + "]"
	case 7:
		return "(" + x() + ")" + g.pick("?", ".a", "[0]", "[-1]", ".a?", "[1]?")
	case 8:
		return "(if " + x() + " then " + x() + " else " + x() + " end)"
	case 9:
		return "(" + x() + " | " + g.pick("not", "tostring", "length", "type", "ascii_downcase", "ascii_upcase",
			"first", "last", `ltrimstr("a")`, `rtrimstr("é")`, `startswith("a")`, `endswith("x")`, "unix",
			"unix_ms", "unix_us", `unix("Europe/Oslo")`) + ")"
	case 10:
		return `"<\(` + x() + `)|\(` + x() + `)>"`
	case 11:
		return "[" + g.path() + "[]" + g.pick("", "?") + g.pick("", ".a", ".a?", " | "+x()) + "]"
	case 12:
		return "(" + x() + " | select(" + x() + "))"
	}
	return "(" + x() + " | map(" + x() + "))"
}
