package main

import (
	"os"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/internal/exit"
)

// What rules do, and what changed ones would do, is told of what the source has kept, and nothing of it is sent,
// committed or stored.
func TestDiffReadsTheSource(t *testing.T) {
	beside(t)
	w := newWorld(t)
	path := w.configure("{embedded: {dir: "+w.path("data")+`, listen: "127.0.0.1:0", start_at: earliest}}`,
		"{file: "+w.path("dead.jsonl")+"}")
	w.publishTexts([]string{`{"type":"numbered","who":"canary@example.com","seq":1}`,
		`{"type":"numbered","who":"c_2","seq":2}`, `{"type":"numbered","seq":3}`})
	newer := w.path("newer.yaml")
	text := "rules: [{name: numbered, event: numbered, do: [{track: {person: .who, name: renamed}}]}]\n"
	if err := os.WriteFile(newer, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	try := func(code int, args ...string) string {
		t.Helper()
		var out, errs logBuffer
		got := run(t.Context(), append(args, "-c", path), stdio{in: strings.NewReader(""), out: &out, err: &errs})
		if got != code || strings.Contains(out.String(), "canary") {
			t.Errorf("%v: exit code %d, want %d:\n%s%s", args, got, code, &out, &errs)
		}
		return out.String() + errs.String()
	}
	for range 2 { // nothing was taken from the second
		text := try(exit.Differences, "diff", "--old", path, "--new", newer, "--topic", "EVENTS", "--last", "1h",
			"--exit-code")
		for _, want := range []string{"3 records", "numbered  ", "EVENTS/0@1: rule "} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
	}
	for range 2 {
		text := try(exit.OK, "run", "--dry-run")
		for _, want := range []string{"3 records, 2 calls, 1 dead letter: nothing was sent", "numbered  3  "} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
	}
	try(exit.Input, "diff", "--old", path, "--topic", "other", "--last", "1h")
	if n := w.cio.Stats().Taken; n > 0 {
		t.Errorf("%d calls were sent", n)
	}
	if _, err := os.Stat(w.path("dead.jsonl")); err == nil {
		t.Error("dead letters were stored")
	}
}
