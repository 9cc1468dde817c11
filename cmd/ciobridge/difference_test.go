package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// What rules do, and what changed ones would do, is told of what the source has kept, and nothing of it is sent,
// committed or stored. Where nothing is committed a dry run begins where a bridge would.
func TestDiffReadsTheSource(t *testing.T) {
	events := []string{`{"type":"numbered","who":"canary@example.com","seq":1}`,
		`{"type":"numbered","who":"c_2","seq":2}`, `{"type":"numbered","seq":3}`}
	t.Run("jetstream", func(t *testing.T) {
		beside(t)
		w := newWorld(t)
		path := w.configure("{embedded: {dir: "+w.path("data")+`, listen: "127.0.0.1:0", start_at: earliest}}`,
			"{file: "+w.path("dead.jsonl")+"}")
		w.publishTexts(events[:2])
		second := time.Now()
		w.publishTexts(events[2:])
		w.readsTheSource(path, "EVENTS", "source.embedded.start_at", second)
	})
	t.Run("kafka", func(t *testing.T) {
		longtest.Only(t)
		beside(t)
		b := newBus(t, 1)
		path := b.configure(b.source(), "{file: "+b.path("dead.jsonl")+"}")
		now := time.Now()
		for i, text := range events {
			at := now.Add(time.Duration(i-2) * time.Minute)
			err := b.client.ProduceSync(t.Context(), &kgo.Record{Value: []byte(text), Timestamp: at}).FirstErr()
			if err != nil {
				t.Fatal(err)
			}
		}
		b.readsTheSource(path, eventsTopic, "source.kafka.start_at", now.Add(-30*time.Second))
	})
}

// readsTheSource looks at three events of a topic, of which one is after a time.
func (w *world) readsTheSource(path, topic, startAt string, between time.Time) {
	t := w.t
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
		text := try(exit.Differences, "diff", "--old", path, "--new", newer, "--topic", topic, "--last", "1h",
			"--exit-code")
		for _, want := range []string{"3 records", "numbered  ", topic + "/0@"} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
	}
	for start, want := range map[string]string{
		"earliest":                             "3 records, 2 calls, 1 dead letter: nothing was sent",
		"latest":                               "0 records, 0 calls, 0 dead letters: nothing was sent",
		between.UTC().Format(time.RFC3339Nano): "1 record, 0 calls, 1 dead letter: nothing was sent",
	} {
		for range 2 {
			if text := try(exit.OK, "run", "--dry-run", "--set", startAt+"="+start); !strings.Contains(text, want) {
				t.Errorf("start_at %s: no %q in\n%s", start, want, text)
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
