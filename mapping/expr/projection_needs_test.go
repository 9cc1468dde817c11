package expr_test

import (
	"encoding/json"
	"testing"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/expr/projection"
)

// What is not read is not decoded.
func TestProjectionDecodesNothingElse(t *testing.T) {
	raw := `{"data":{"total":1.5,"items":[{"sku":"a","qty":1},{"sku":"b","qty":2}],"by":{"x":{"n":1,"m":2},"y":{"n":3}},"s":"text"},"id":"e","\u0061":[1]}`
	for src, want := range map[string]string{
		`.data.total * 100`:                         `{"data":{"total":1.5}}`,
		`[.data.items[] | .qty * 2] | add`:          `{"data":{"items":[{"qty":1},{"qty":2}]}}`,
		`.data.items[0].sku + .id`:                  `{"data":{"items":[{"sku":"a"},{"sku":"b"}]},"id":"e"}`,
		`[.data.by[] | .n + 1]`:                     `{"data":{"by":{"x":{"n":1},"y":{"n":3}}}}`,
		`.data.by.x.n + 1`:                          `{"data":{"by":{"x":{"n":1}}}}`,
		`.data.by[0].n + 1`:                         `{"data":{"by":{"x":{"n":1,"m":2},"y":{"n":3}}}}`,
		`.data.s.x + 1`:                             `{"data":{"s":"text"}}`,
		`.data.items.x + 1`:                         `{"data":{"items":[{"sku":"a","qty":1},{"sku":"b","qty":2}]}}`,
		`.data.missing.x + 1`:                       `{"data":{}}`,
		`.a[0] + 1`:                                 `{"a":[1]}`,
		`.data | select(.total > 1) | .total + 1`:   `{"data":{"total":1.5}}`,
		`.data.items | map(select(.qty > 1)) | add`: `{"data":{"items":[{"sku":"a","qty":1},{"sku":"b","qty":2}]}}`,
		`def f: .id; f + 1`:                         raw,
		`. as {id: $x} | $x + 1`:                    raw,
		`[paths]`:                                   raw,
		`.id as $x | $x + 1`:                        `{"id":"e"}`,
		`.a |= .`:                                   raw,
		`$message.key + 1`:                          `null`,
		`first(.data.items[].qty) + 1`:              `{"data":{"items":[{"qty":1},{"qty":2}]}}`,
	} {
		q, err := gojq.Parse(src)
		if err != nil {
			t.Fatal(src, err)
		}
		places := document.NewPlaces()
		p := projection.Of(places, q)
		places.Seal()
		var d document.Document
		if err := d.Parse(places, []byte(raw)); err != nil {
			t.Fatal(src, err)
		}
		got, err := gojq.Marshal(p.Of(&d))
		if err != nil || string(got) != canonical(t, want) {
			t.Errorf("%s: %s, want %s: %v", src, got, want, err)
		}
	}
}

// canonical is a value as gojq writes it.
func canonical(t *testing.T, raw string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(raw), &v); err != nil {
		t.Fatal(err)
	}
	text, err := gojq.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
