package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/file"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/place"
	"github.com/ciobridge/ciobridge/ledger"
	ledgerfile "github.com/ciobridge/ciobridge/ledger/file"
)

// A decision is noted in the ledger, resolves the letter or lets a replay have it, and is refused where there is
// nothing to decide.
func TestDeadLettersResolve(t *testing.T) {
	dir := t.TempDir()
	path, dead := filepath.Join(dir, "ciobridge.yaml"), filepath.Join(dir, "dead.jsonl")
	if err := os.WriteFile(path, []byte(`
source: {embedded: {dir: `+dir+`, listen: "127.0.0.1:0", start_at: latest}}
customerio: {region: eu, site_id_env: SITE, api_key_env: KEY}
dead_letters: {file: `+dead+`}
rules: [{name: r, event: bill, do: [{track: {person: .user, name: billed}}]}]
`), 0o600); err != nil {
		t.Fatal(err)
	}
	store := file.New(deadletter.Config{File: dead}, "")
	kept := ledgerfile.New(ledger.Config{Settings: place.Settings{
		File: filepath.Join(dir, "ledger.jsonl")}})
	t.Cleanup(func() { _ = kept.Close() })
	id := func(n byte) event.ID { return event.ID{15: n} }
	for n := byte(1); n <= 5; n++ {
		reason := event.ReasonSendUncertain
		if n == 4 {
			reason = event.ReasonRefused
		}
		if err := store.Put(t.Context(), event.FailedMessage{
			Message: event.Message{Origin: event.Origin{Topic: "EVENTS", Offset: int64(n)}, Value: []byte("{}")},
			Failures: []event.Failure{{ID: id(n), Stage: event.StageDelivery, Reason: reason, Rule: "r",
				Call: "track:billed", Attempts: 1}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	note := func(n byte, state ledger.State, at time.Time) {
		next := ledger.Record{}.Follow(state, 7, at)
		if _, err := kept.Put(t.Context(), id(n), ledger.Record{}, next); err != nil {
			t.Fatal(err)
		}
	}
	for n := byte(1); n <= 2; n++ {
		note(n, ledger.Intent, time.Now().Add(-time.Hour))
	}
	note(3, ledger.Sent, time.Now())   // its outcome came late
	note(5, ledger.Intent, time.Now()) // somebody may be sending it
	for _, c := range []struct {
		args, want string // what is printed, or the error
		code       int
	}{
		{"", "name the letters to decide about", exit.Input},
		{id(1).String(), "give one of --sent and --not-sent", exit.Input},
		{id(1).String() + " --sent --not-sent", "give one of --sent and --not-sent", exit.Input},
		{id(1).String() + " --sent --later", "--later: is for --not-sent", exit.Input},
		{"x --sent", `"x": not a ULID`, exit.Input},
		{id(9).String() + " --sent", "no such letter", exit.Input},
		{id(1).String() + " " + id(4).String() + " --sent", "its reason is refused", exit.Input},
		{id(1).String() + " --sent --note mailed", "resolved 1 letter: sent", 0},
		{id(1).String() + " --sent", "is resolved", exit.Input},
		{id(2).String() + " --not-sent --later -o json", `"decided":1`, 0},
		{id(3).String() + " --not-sent", "has it that the call was sent", exit.Failure},
		{id(5).String() + " --not-sent", "may be on its way", exit.Failure},
	} {
		var out, errs bytes.Buffer
		args := append([]string{"deadletters", "resolve", "-c", path}, strings.Fields(c.args)...)
		code := run(t.Context(), args, stdio{in: &bytes.Buffer{}, out: &out, err: &errs})
		said := strings.ReplaceAll(out.String(), " ", "") + out.String() + errs.String()
		if code != c.code || !strings.Contains(said, c.want) {
			t.Errorf("%s: code %d, %s%s", c.args, code, &out, &errs)
		}
	}
	for n, want := range map[byte]ledger.State{1: ledger.Sent, 2: ledger.NotSent, 3: ledger.Sent, 5: ledger.Intent} {
		if known, err := kept.Get(t.Context(), id(n)); err != nil || known.State != want {
			t.Errorf("of call %d the ledger has %+v, %v", n, known, err)
		}
	}
	shown, err := deadletter.Show(t.Context(), store, id(1))
	if err != nil || shown[0].Open || shown[0].Resolutions[0].Kind != deadletter.Delivered ||
		!strings.Contains(shown[0].Resolutions[0].Note, "mailed") {
		t.Errorf("the letter of what was sent: %+v, %v", shown, err)
	}
}
