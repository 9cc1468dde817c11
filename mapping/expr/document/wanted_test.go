package document

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"testing"
)

// wanted are places, with the paths to them.
type wanted struct {
	places *Places
	paths  map[int32][]Step
}

var stepPattern = regexp.MustCompile(`\."([^"]*)"|\.(\w+)|\[(\d+)\]`)

// want wants the places of paths such as .a."b c"[1].
func want(t testing.TB, paths []string) wanted {
	t.Helper()
	w := wanted{places: NewPlaces(), paths: map[int32][]Step{}}
	for _, path := range paths {
		at, steps := w.places.Root(), []Step(nil)
		for _, m := range stepPattern.FindAllStringSubmatch(path, -1) {
			st := Step{Name: m[1] + m[2], Key: m[3] == ""}
			st.Index, _ = strconv.Atoi(m[3])
			next, ok := w.places.Step(at, st)
			if !ok {
				t.Fatalf("%s is not followed", path)
			}
			at, steps = next, append(steps, st)
		}
		w.paths[at.ID()] = steps
	}
	w.places.Seal()
	return w
}

// sameAsDecoded holds the values at all places to those that a decoder finds there.
func (w wanted) sameAsDecoded(t testing.TB, d *Document, raw []byte) {
	t.Helper()
	for id, steps := range w.paths {
		want, there := decoded(t, raw), true
		for _, st := range steps {
			if want, there = into(want, st); !there {
				break
			}
		}
		got, ok := d.At(id)
		if ok != there {
			t.Fatalf("%v in %q: there is a value: %t, want %t", steps, raw, ok, there)
		}
		if ok && canonical(t, got.Raw) != marshalled(t, want) {
			t.Fatalf("%v in %q is %s, want %s", steps, raw, got.Raw, marshalled(t, want))
		}
	}
}

func into(v any, st Step) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		e, ok := v[st.Name]
		return e, ok && st.Key
	case []any:
		if !st.Key && st.Index < len(v) {
			return v[st.Index], true
		}
	}
	return nil, false
}

func decoded(t testing.TB, raw []byte) (v any) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	return v
}

func marshalled(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// canonical is a value with its keys sorted and without white space.
func canonical(t testing.TB, raw []byte) string { return marshalled(t, decoded(t, raw)) }

// orders are events of a shop, with the same keys in the same order and values of other lengths.
func orders(n int) (raws [][]byte) {
	for i := range n {
		raws = append(raws, fmt.Appendf(nil,
			`{"id":"evt_%d","type":"shop.order.%s","time":"2026-03-14T09:26:53Z","data":`+
				`{"customer_id":"c_%d","total":%d.%d,"items":[{"sku":"%s","qty":%d},{"sku":"SKU-2","qty":1}],"note":"%s"}}`,
			i*i*i, "done"[:1+i%4], i*7919, i, i%100, "SKU-47110-M-BLK"[:5+i%10], i%13,
			"left with the neighbour"[:i%20]))
	}
	return raws
}
