package read_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/report"
	"github.com/ciobridge/ciobridge/report/read"
)

// Every mistake is told at once, with its path.
func TestValidate(t *testing.T) {
	for _, c := range []struct {
		is     string
		config report.Config
		want   []string
	}{
		{"right", report.Config{Type: "segments"}, nil},
		{"right, too", report.Config{Type: "segments", Params: report.Params{
			Segments: []string{"VIP", "4"}, Members: true}}, nil},
		{"no type", report.Config{}, []string{"type: is missing: give "}},
		{"another type", report.Config{Type: "segment"}, []string{`type: "segment" is no type of reports, did you mean`}},
		{"of another type", report.Config{Type: "segments", Params: report.Params{
			Members: true, Since: time.Hour, Activities: []string{"a"}}}, []string{
			"params.since: means nothing to a report of type segments, which knows segments and members",
			"params.activities: means nothing", "params.members: needs segments"}},
		{"lists", report.Config{Type: "segments", Params: report.Params{Segments: []string{"a", " ", "a"}}}, []string{
			"params.segments[1]: is empty", `params.segments[2]: "a" stands there twice`}},
		{"activities", report.Config{Type: "activities", Params: report.Params{
			Activities: []string{}, Since: 31 * 24 * time.Hour}}, []string{
			"params.activities: is an empty list", "params.since: 744h0m0s is outside 1h0m0s to 720h0m0s"}},
	} {
		err := read.Validate(c.config)
		var lines []string
		if err != nil {
			lines = strings.Split(err.Error(), "\n")
		}
		if len(lines) != len(c.want) {
			t.Errorf("%s: %q, want %q", c.is, lines, c.want)
			continue
		}
		for i, want := range c.want {
			if !strings.HasPrefix(lines[i], want) {
				t.Errorf("%s: %q, want %q", c.is, lines[i], want)
			}
		}
		if r, err := read.New(c.config, nil); (err == nil) != (c.want == nil) || err == nil && r.Restated() {
			t.Errorf("%s: New gives %v", c.is, err)
		}
	}
}
