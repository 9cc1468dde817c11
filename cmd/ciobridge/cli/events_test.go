package cli

import (
	"io"
	"slices"
	"strings"
	"testing"
)

func TestEventsOfAFile(t *testing.T) {
	cases := map[string]struct {
		text string
		want []string
	}{
		"nothing":              {" \n\n", nil},
		"lines":                {"{\"a\":1}\n\n{\"a\":2}\r\n3", []string{"f:1 {\"a\":1}", "f:3 {\"a\":2}", "f:4 3"}},
		"a whole":              {"\n{\n \"a\": 1\n}\n", []string{"f {\n \"a\": 1\n}"}},
		"a broken line first":  {"\n{\"a\":\n{\"a\":2}\n", []string{"f:2 {\"a\":", "f:3 {\"a\":2}"}},
		"a broken line within": {"{}\nx\n{}", []string{"f:1 {}", "f:2 x", "f:3 {}"}},
		"compressed":           {"\x1f\x8b\x08\n\r\n ", []string{"f \x1f\x8b\x08\n\r\n "}},
		"zstd":                 {"\x28\xb5\x2f\xfd\n", []string{"f \x28\xb5\x2f\xfd\n"}},
		"a mark before text":   {"\xef\xbb\xbf{}\n", []string{"f:1 \xef\xbb\xbf{}"}},
		"broken altogether":    {"{\n\"a\": 1", []string{"f:1 {", "f:2 \"a\": 1"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var got []string
			err := eachEvent("f", strings.NewReader(c.text), func(e EventText) error {
				got = append(got, e.Place+" "+string(e.Value))
				return nil
			})
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// Events that come one by one are given on one by one: whoever feeds a pipe sees each before the next.
func TestEventsAreReadAsTheyCome(t *testing.T) {
	r, w := io.Pipe()
	seen := make(chan string)
	ended := make(chan error, 1)
	go func() {
		ended <- eachEvent("stdin", r, func(e EventText) error {
			seen <- string(e.Value)
			return nil
		})
	}()
	for _, line := range []string{`{"a":1}`, `{"a":2}`} {
		if _, err := io.WriteString(w, line+"\n"); err != nil {
			t.Fatal(err)
		}
		if got := <-seen; got != line {
			t.Errorf("got %s, want %s", got, line)
		}
	}
	w.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
