package customerio

import (
	"bytes"
	"testing"
)

func TestBatchBody(t *testing.T) {
	var b BatchBody
	for _, items := range [][]string{{`{"a":1}`}, {`{"a":1}`, `{"b":2}`, `{}`}} {
		between := 0
		for _, item := range items {
			b.Add([]byte(item))
			between += len(item) + 1
		}
		parts, size := b.Close()
		body := bytes.Join(parts, nil)
		want := `{"batch":[` + string(bytes.Join(toBytes(items), []byte(","))) + `]}`
		if string(body) != want || size != len(want) || size != BatchEnvelope+between-1 {
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
