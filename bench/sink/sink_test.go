package sink

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestSinkSeesLossRepetitionAndDisorder(t *testing.T) {
	for name, tc := range map[string]struct {
		sequences []string
		disorder  int64
	}{
		"in order":     {[]string{"0.0", "1.0", "0.1", "1.1"}, 0},
		"stamped":      {[]string{"0.0.1795000000000000", "0.1.1795000000000001"}, 0},
		"lost":         {[]string{"0.0", "0.2"}, 1},
		"repeated":     {[]string{"0.0", "0.0"}, 1},
		"swapped":      {[]string{"0.0", "0.2", "0.1"}, 1},
		"unknown":      {[]string{"7.0"}, 1},
		"not a number": {[]string{"x"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSink(1, 2, Options{})
			var body strings.Builder
			for _, q := range tc.sequences {
				fmt.Fprintf(&body, `{"attributes":{"sequence":"%s"}}`, q)
			}
			req := Request{At: 1795000000000500}
			s.count([]byte(body.String()), &req)
			if req.Items != len(tc.sequences) {
				t.Errorf("counted %d items, want %d", req.Items, len(tc.sequences))
			}
			if got := s.disorder.Load(); got != tc.disorder {
				t.Errorf("disorder is %d, want %d", got, tc.disorder)
			}
			if name == "stamped" && !slices.Equal(req.Waits, []int64{500, 499}) {
				t.Errorf("the events waited %v µs, want 500 and 499", req.Waits)
			}
		})
	}
}
