package customerio

import (
	"bytes"
	"testing"
)

func TestBatchBody(t *testing.T) {
	var b BatchBody
	for i, items := range [][]string{{`{"a":1}`}, {`{"a":1}`, `{"b":2}`, `{}`}, {`"c_7"`, `"c_8"`}} {
		list, head := BatchItems, `{"batch":[`
		if i == 2 {
			list, head = SegmentIDs, `{"ids":[`
		}
		between := 0
		b.Begin(list)
		for _, item := range items {
			b.Add([]byte(item))
			between += len(item) + 1
		}
		parts, size := b.Close()
		body := bytes.Join(parts, nil)
		want := head + string(bytes.Join(toBytes(items), []byte(","))) + `]}`
		if string(body) != want || size != len(want) || size != len(head)+len(`]}`)+between-1 {
			t.Errorf("%d bytes, said to be %d: %s", len(body), size, body)
		}
		b.Reset()
	}
}

func toBytes(texts []string) (out [][]byte) {
	for _, text := range texts {
		out = append(out, []byte(text))
	}
	return out
}
