package main

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/internal/exit"
)

// readEvents reads those that somebody pipes into a command.
func readEvents(in io.Reader, each func(cli.EventText) error) error {
	cmd := &cobra.Command{}
	cmd.SetIn(in)
	return cli.ReadEvents(cmd, nil, each)
}

func TestEventsOfAPipe(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		text string
		want []string
	}{
		"nothing": {" \n\n", nil},
		"lines": {"{\"a\":1}\n\n{\"a\":2}\r\n3", []string{
			"stdin:1 {\"a\":1}", "stdin:3 {\"a\":2}", "stdin:4 3"}},
		"a whole":              {"\n{\n \"a\": 1\n}\n", []string{"stdin {\n \"a\": 1\n}"}},
		"a broken line first":  {"\n{\"a\":\n{\"a\":2}\n", []string{"stdin:2 {\"a\":", "stdin:3 {\"a\":2}"}},
		"a broken line within": {"{}\nx\n{}", []string{"stdin:1 {}", "stdin:2 x", "stdin:3 {}"}},
		"compressed":           {"\x1f\x8b\x08\n\r\n ", []string{"stdin \x1f\x8b\x08\n\r\n "}},
		"zstd":                 {"\x28\xb5\x2f\xfd\n", []string{"stdin \x28\xb5\x2f\xfd\n"}},
		"a mark before text":   {"\xef\xbb\xbf{}\n", []string{"stdin:1 \xef\xbb\xbf{}"}},
		"broken altogether":    {"{\n\"a\": 1", []string{"stdin:1 {", "stdin:2 \"a\": 1"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var got []string
			err := readEvents(strings.NewReader(c.text), func(e cli.EventText) error {
				got = append(got, e.Place+" "+string(e.Value))
				return nil
			})
			var none *exit.Error
			if nothing := errors.As(err, &none) && none.Code == exit.Input; nothing != (c.want == nil) ||
				err != nil && !nothing || !slices.Equal(got, c.want) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// Events that come one by one are given on one by one: whoever feeds a pipe sees each before the next.
func TestEventsAreReadAsTheyCome(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	seen := make(chan string)
	ended := make(chan error, 1)
	go func() {
		ended <- readEvents(r, func(e cli.EventText) error {
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
