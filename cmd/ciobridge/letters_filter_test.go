package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/replay"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/registrytest"
	"github.com/ciobridge/ciobridge/mapping"
)

func TestMoments(t *testing.T) {
	now := time.Date(2026, 10, 5, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"":                          {},
		"2h":                        now.Add(-2 * time.Hour),
		"2026-10-04":                time.Date(2026, 10, 4, 0, 0, 0, 0, time.UTC),
		"2026-10-04T10:00:00+02:00": time.Date(2026, 10, 4, 8, 0, 0, 0, time.UTC),
	} {
		if got, err := cli.ParseTime(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"-2h", "yesterday", "2026-13-01"} {
		if got, err := cli.ParseTime(text, now); err == nil {
			t.Errorf("%q is %s, want an error", text, got)
		}
	}
}

func TestOffsetRanges(t *testing.T) {
	for text, want := range map[string]string{
		"": "any any", "7": "7 7", "7..9": "7 9", "7..": "7 any", "..9": "any 9",
		"..": "error", "x": "error", "7..x": "error", "7-9": "error",
	} {
		from, to, err := offsetRange(text)
		got := bound(from) + " " + bound(to)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func bound(n *int64) string {
	if n == nil {
		return "any"
	}
	return fmt.Sprint(*n)
}

// The type and the time of an event are those of its topic's envelope.
func TestInspector(t *testing.T) {
	rules, err := mapping.Compile(mapping.Config{OnUnmatched: mapping.DeadLetter, Topics: []mapping.Topic{{
		Name:     "billing",
		Envelope: mapping.Envelope{Type: mapping.Term{Program: ".kind"}, Time: mapping.Term{Program: ".at"}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	recorded := time.Date(2026, 10, 6, 0, 0, 0, 0, time.UTC)
	happened := time.Date(2026, 10, 5, 8, 30, 0, 0, time.UTC)
	inspect, err := inspector(rules, []string{"invoice.paid", "plan*"})
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		topic, value, wantType string
		wantTime               time.Time
	}{
		{"billing", `{"kind":"invoice.paid","at":"2026-10-05T08:30:00Z"}`, "invoice.paid", happened},
		{"billing", `{"kind":"plan.changed"}`, "plan*", recorded},
		{"billing", `{"kind":"other","at":"2026-10-05T08:30:00Z"}`, "*", happened},
		{"elsewhere", `{"type":"invoice.paid","time":"2026-10-05T08:30:00Z"}`, "invoice.paid", happened},
		{"billing", `{"type":"invoice.paid"}`, "", recorded},
		{"billing", `not JSON`, "", recorded},
	}
	for _, c := range cases {
		gotType, gotTime := inspect(event.Message{Origin: event.Origin{Topic: c.topic}, Value: []byte(c.value),
			Time: recorded}, 0)
		if gotType != c.wantType || !gotTime.Equal(c.wantTime) {
			t.Errorf("%s is of type %q at %s, want %q at %s", c.value, gotType, gotTime, c.wantType, c.wantTime)
		}
	}
}

// Texts are shown as they are, without the escapes that encoding/json makes for HTML.
func TestTextsAreNotEscaped(t *testing.T) {
	if got := textOf(content([]byte(`{"a": "<b> & c"}`), true)); got != `{"a":"<b> & c"}` {
		t.Errorf("a value is %s", got)
	}
	rules, err := mapping.Compile(mapping.Config{OnUnmatched: mapping.DeadLetter})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	unknown := []replay.UnknownRule{{Rule: "a & b"}, {Rule: "a & b", Call: "c > d"}}
	replayView{unknown: unknown, rules: rules}.reasons(&out)
	for _, want := range []string{`(name: "a & b")`, `(call: "c > d" beside`, `--as "a & b/CALL"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is not in %s", want, out.String())
		}
	}
}

func TestMistakesAreListedOnce(t *testing.T) {
	a, b := errors.New("a"), errors.New("b")
	err := exit.With(exit.Input, errors.Join(a, errors.Join(b, a), fmt.Errorf("read: %w", errors.Join(a, b))))
	if got, want := mistakes(err), []string{"a", "b", "read: a\nb"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := mistakes(fmt.Errorf("%w: %w", a, b)); !slices.Equal(got, []string{"a: b"}) {
		t.Errorf("got %q", got)
	}
	if mistakes(nil) != nil {
		t.Error("nothing is no mistake")
	}
}

// Values that carry the number of a schema are read before letters are chosen, listed or tried, as a bridge reads them.
// They cannot be repaired, because nobody but a producer writes them.
func TestLettersHaveTheirContent(t *testing.T) {
	cmd, d := lettersOf(t, "json_schema", "")
	id := event.ID{1}
	framed := []byte("\x00\x00\x00\x00\x07" + `{"type":"bill","id":"e1","time":"2026-10-05T08:30:00Z","user":"c_7"}`)
	failed := event.FailedMessage{
		Message: event.Message{Origin: event.Origin{Topic: "EVENTS", Offset: 3}, Value: framed},
		Failures: []event.Failure{{ID: id, Stage: event.StageDelivery, Reason: event.ReasonRefused, Rule: "r",
			Call: "track:billed", Attempts: 1, First: time.Now()}},
	}
	if err := d.store.Put(t.Context(), failed); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--type", "bill"}, {"--person", "id:c_7"}, {"--event-before", "2026-10-06"}} {
		var f filterFlags
		f.add(cmd)
		if err := cmd.ParseFlags(args); err != nil {
			t.Fatal(err)
		}
		chosen, err := f.filter(cmd, d)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		cmd.SetOut(&out)
		err = listLetters(cmd, d, chosen, asJSON, true)
		if err != nil || !strings.Contains(out.String(), id.String()) ||
			!strings.Contains(out.String(), `"content":{"type":"bill","id":"e1"`) {
			t.Errorf("%q: %q, %v", args, out.String(), err)
		}
		cmd.ResetFlags()
	}
	r := replayFlags{dryRun: true}
	var out bytes.Buffer
	cmd.SetOut(&out)
	err := r.replay(cmd, d, replay.Options{Filter: deadletter.Filter{All: true}}, asText)
	if err != nil || !strings.Contains(out.String(), "1 would be sent") {
		t.Errorf("%q, %v", out.String(), err)
	}
	out.Reset()
	shown, err := deadletter.Show(t.Context(), d.store, id)
	if err != nil {
		t.Fatal(err)
	}
	err = newHistoryView(t.Context(), d, shown[0], false).print(cmd.OutOrStdout(), asText)
	if err != nil || !strings.Contains(out.String(), "which holds") || strings.Contains(out.String(), "c_7") {
		t.Errorf("%q, %v", out.String(), err)
	}
	if _, err := openLetter(cmd, d, id); err == nil || !strings.Contains(err.Error(), "only a producer") {
		t.Errorf("got %v", err)
	}
}

// lettersOf is a client of the letters of a configuration, of whose events the content is as named. More stands in it.
func lettersOf(t *testing.T, content, more string) (*cobra.Command, *lettersClient) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "ciobridge.yaml")
	text := `
source: {embedded: {dir: ` + dir + `, listen: "127.0.0.1:0", start_at: latest, streams: [{name: EVENTS, subjects: ["events.>"], content: ` +
		content + `}]}}
customerio: {region: eu, site_id_env: SITE, api_key_env: KEY}
dead_letters: {file: ` + filepath.Join(dir, "dead.jsonl") + `}
rules: [{name: r, event: bill, do: [{track: {person: .user, name: billed}}]}]
` + more + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, rules, err := app.Load(config.File(path))
	if err != nil {
		t.Fatal(err)
	}
	cmd := &cobra.Command{}
	cmd.SetContext(t.Context())
	d, err := newLettersClient(cmd, c, rules, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.close)
	return cmd, d
}

// A command about letters waits once for a schema registry, and for a while. What it lists has no type then; what it
// would choose by the event cannot be told, and it ends before it does anything.
func TestLettersDoNotWaitForTheRegistry(t *testing.T) {
	away := registrytest.Start(t)
	away.SetDown(true)
	cmd, d := lettersOf(t, "avro", `schema_registry: {url: "`+away.URL+`"}`)
	d.decoder.Patience = 20 * time.Millisecond
	for n := range 3 {
		err := d.store.Put(t.Context(), event.FailedMessage{
			Message: event.Message{Origin: event.Origin{Topic: "EVENTS", Offset: int64(n)},
				Value: []byte{0, 0, 0, 0, 7, byte(n)}},
			Failures: []event.Failure{{ID: event.ID{byte(n + 1)}, Stage: event.StageDelivery,
				Reason: event.ReasonRefused, Rule: "r", Call: "track:billed", Attempts: 1, First: time.Now()}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"--type", "bill"}, {"--person", "id:c_7"}, {"--event-before", "2099-10-06"}} {
		var f filterFlags
		f.add(cmd)
		if err := cmd.ParseFlags(args); err != nil {
			t.Fatal(err)
		}
		chosen, err := f.filter(cmd, d)
		if err != nil {
			t.Fatal(err)
		}
		n, err := discard(t.Context(), d, chosen, "no more", false)
		if n != 0 || exit.Code(err) != exit.Broker || !strings.Contains(err.Error(), "has not answered for 20ms") {
			t.Errorf("%q: %d, %v", args, n, err)
		}
		cmd.ResetFlags()
	}
	var out bytes.Buffer
	cmd.SetOut(&out)
	err := listLetters(cmd, d, deadletter.Filter{All: true}, asJSON, false)
	if err != nil || strings.Count(out.String(), `"reason":"refused"`) != 3 {
		t.Errorf("%q, %v", out.String(), err)
	}
	r := replayFlags{dryRun: true}
	err = r.replay(cmd, d, replay.Options{Filter: deadletter.Filter{All: true}}, asText)
	if exit.Code(err) != exit.Broker {
		t.Errorf("tried: %v", err)
	}
}
