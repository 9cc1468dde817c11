package expr

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

func gojqOutputs(t testing.TB, code *gojq.Code, raw []byte, message string) (outputs []string, failed bool) {
	t.Helper()
	iter := code.Run(stdDecode(t, raw), stdDecode(t, []byte(message)))
	for {
		v, ok := iter.Next()
		if !ok {
			return outputs, false
		}
		if _, ok := v.(error); ok {
			return outputs, true
		}
		text, err := gojq.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		outputs = append(outputs, string(text))
	}
}

func stdDecode(t testing.TB, raw []byte) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return v
}

// canonical is a value as gojq would write it: keys sorted, no white space, strings escaped in one way.
func canonical(t testing.TB, raw []byte) string {
	t.Helper()
	text, err := gojq.Marshal(stdDecode(t, raw))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func outputsOf(t testing.TB, p *Program, d *Document) (outputs []string, failed bool) {
	t.Helper()
	err := p.Each(d, func(v Value) error {
		if !json.Valid(v.Raw) || document.KindOf(v.Raw[0]) != v.Kind {
			t.Fatalf("%s gave %q of kind %s", p, v.Raw, v.Kind)
		}
		outputs = append(outputs, canonical(t, v.Raw))
		return nil
	})
	var failure *EvalError
	if err != nil && !errors.As(err, &failure) {
		t.Fatalf("%s: %T is no *EvalError", p, err)
	}
	return outputs, err != nil
}

const testMessage = `{"key":"c_7","offset":12,"headers":{"a-b":"x"},"time":"2026-03-14T09:26:53Z"}`

// sameAsGojq compares the outputs of a program on a document with those of gojq.
func sameAsGojq(t testing.TB, src string, raw []byte, wantFast bool) {
	t.Helper()
	s := NewSet()
	p, err := s.Compile(src, "message", "item")
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	s.Seal()
	if wantFast && !p.OnFastPath() {
		t.Errorf("%s runs on gojq, want on raw bytes", src)
	}
	var d Document
	if err := d.Parse(s, raw); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	d.BindFunc("message", func() Value { return Value{Kind: Object, Raw: []byte(testMessage)} })
	sameAsGojqOn(t, p, &d, raw)
}

// sameAsGojqOn compares for a document that was parsed before.
func sameAsGojqOn(t testing.TB, p *Program, d *Document, raw []byte) {
	t.Helper()
	sameAs(t, reference(t, p.String()), p, d, raw)
}

func sameAs(t testing.TB, code *gojq.Code, p *Program, d *Document, raw []byte) {
	t.Helper()
	got, gotFailed := outputsOf(t, p, d)
	want, wantFailed := gojqOutputs(t, code, raw, testMessage)
	if strings.Join(got, "\n") != strings.Join(want, "\n") || gotFailed != wantFailed {
		t.Errorf("%s on %s\n got %v failed=%v\nwant %v failed=%v", p, raw, got, gotFailed, want, wantFailed)
	}
}

// trickyValues are values of all kinds, with the numbers that are easily got wrong.
var trickyValues = []string{`null`, `false`, `true`, `0`, `-0`, `1`, `1.0`, `1e3`, `1000`, `9007199254740993`,
	`9007199254740992.0`,
	`123456789012345678901234567890`, `""`, `"a"`, `"\u0061"`, `"é"`, `"\ud83d\ude00x"`, `[]`, `[1]`, `[1.0]`, `{}`,
	`{"a":1}`, `{ "b" : 2, "a" : [ 1 , {} ] }`,
	`-1`, `0.1`, `-2.5`, `2147483647`, `-2147483649`, `9223372036854775807`, `-9223372036854775808`,
	`2305843009213693951`, `1e-320`, `1.7e308`}

// The truth table: every operator and form on every pair of kinds.
func TestFastPathTruthTable(t *testing.T) {
	forms := []string{
		`.l == .r`, `.l != .r`, `.l < .r`, `.l <= .r`, `.l > .r`, `.l >= .r`, `.l and .r`, `.l or .r`, `.l // .r`,
		`(.l | not) or .r`,
		`.l.x == .r`, `.l == .r.x`, `.l.x // .r`, `.l.x? // .r`, `.l.x and .r`, `.l or .r.x`, `{a: .l.x, b: .r[0]}`,
		`{b: .l, a: .r, b: .r}`,
		`.l[0]? == .r[0]?`, `[.l[]?, .r]`, `[.l[]?]`, `.l[]`, `.l[].a?`, `.l | .x`, `.l | {v: .}`, `.l | tostring`,
		`"\(.l)-\(.r)"`, `"\(.l.x)-\(.r[0])"`,
		`if .l then .r else 1 end`, `if .l then .r end`, `.l | select(. == 1)`, `.l | map(.a?)`,
		`.l | ascii_downcase`, `.l | startswith("a")`,
		`.l | ltrimstr("a")`, `.l | unix`, `.l | unix_ms`, `.l | first`, `.l | last`, `empty // .l`,
		`[.l, .r] | length`,
		`{"a": (.l // empty)}`, `.l[-1]`, `.l[5]`, `.l == 1`, `.l < 1.5`, `.l == "a"`, `.l == []`, `.l == {}`, `[.l]`,
		`.l?`, `.["l"]["a"]?`,
		`(.l.x | .r)?`, `.l | .a | .b`, `.l.a[0]?`, `$message.offset == .l`, `{$message, l}`, `{"l"}`,
		`.l | tostring | ascii_upcase`, `.l | length`, `.l | type`,
	}
	onAllPairs(t, forms)
}

// onAllPairs compares programs with gojq on every pair of values.
func onAllPairs(t *testing.T, forms []string) {
	for i, form := range forms {
		code := reference(t, form)
		s, ps := sealed(t, []string{form})
		var d Document
		for j, l := range trickyValues {
			for k, r := range trickyValues {
				if !longtest.On() && (i+3*j+k)%7 > 0 {
					continue
				}
				raw := fmt.Appendf(nil, `{"l":%s,"r":%s}`, l, r)
				if err := d.Parse(s, raw); err != nil {
					t.Fatal(err)
				}
				d.Bind("message", Value{Kind: Object, Raw: []byte(testMessage)})
				sameAs(t, code, ps[0], &d, raw)
			}
		}
	}
}

func TestFastPathForms(t *testing.T) {
	raw := []byte(`{"type":"order","a":{"b":1.50,"b c":"x","n":null,"list":[{"sku":"k1"},{"sku":"k2","q":2}]},"s":"hé","user":{"id":"c_7"},"t":"2026-03-14T09:26:53.5+01:00","ms":1773480413120}`)
	for _, src := range []string{
		`.`, `.a.b`, `.a["b c"]`, `.["type"]`, `."type"`, `.a."b c"`, `.a.list[0]`, `.a.list[-1].sku`,
		`.a.list[7].sku`, `.a.n.x.y`, `.a?`, `.a.b.c?`, `.a | .b`,
		`.a | .list | .[0]`, `.a.list[].sku`, `[.a.list[].sku]`, `[.a.list[] | {sku, q: (.q // 1)}]`,
		`.a.list[] | select(.q == 2) | .sku`, `.a.list | map(.sku)`,
		`.s[1]`, `.s[-1]`, `.t | unix`, `.ms | unix_ms`, `.a.b > 1`, `.type == "order" and .a.b >= 1.5`,
		`.x // .user.id // "none"`, `(.x // .a).b`,
		`"id-\(.user.id)/\(.a.b)"`, `{id: .user.id, "k k": 1, n: null, t: true, o: {x: .a.b}}`, `$message.key`,
		`$message.headers["a-b"]`, `"x"`, `1`, `-1`, `1.5`, `null`,
		`.user.id | ltrimstr("c_")`, `if .a.b > 1 then "big" elif .a.b == 1 then "one" else "small" end`, `.a[] `,
		`.type | . == "order"`, `{}`, `[]`, `.a.list[1:]?`,
	} {
		sameAsGojq(t, src, raw, src != `.a.list[1:]?`)
	}
}

// FuzzFastPath holds programs on the fast path, made from seed, to gojq's answer on any document.
func FuzzFastPath(f *testing.F) {
	for i, raw := range []string{`{"a":{"b":[1,2,{"a":"x"}]},"b":null,"c":"1","d":1.0}`, `[{"a":1},{"a":false},null]`,
		`{"a":"\u0061é","b":"aé","c":-0,"d":1e3}`, `null`, `"text"`,
		`{"a":123456789012345678901,"b":1.23456789012345678901e20,"c":[[],{}],"d":{"c":{"d":[0]}}}`, string(event300),
		string(event1000)} {
		for j := range longtest.Either(2, 8) {
			f.Add([]byte(raw), uint64(i*100+j))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte, seed uint64) {
		s := NewSet()
		s.Seal()
		var d Document
		g := &generator{rand.New(rand.NewPCG(seed, 7))}
		if len(raw) > 4096 || d.Parse(s, raw) != nil {
			raw = []byte(g.value(4)) // most of what the fuzzer makes is no document
		}
		for range 4 {
			sameAsGojq(t, g.program(4), raw, false)
		}
	})
}

func TestFastPathRandom(t *testing.T) {
	for seed := range longtest.Either(uint64(80), 2000) {
		g := &generator{rand.New(rand.NewPCG(seed, 11))}
		sameAsGojq(t, g.program(4), []byte(g.value(4)), false)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
