package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/content"
	"github.com/ciobridge/ciobridge/content/registry"
	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/deadletter"
	letterfile "github.com/ciobridge/ciobridge/deadletter/file"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/erasure"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/live"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
	"github.com/ciobridge/ciobridge/source"
)

// takes is a sender that delivers everything.
type takes struct{}

func (takes) Send(_ context.Context, calls []event.Call) []event.Outcome {
	outcomes := make([]event.Outcome, len(calls))
	for i := range outcomes {
		outcomes[i].Result = event.Delivered
	}
	return outcomes
}

// deaf is a broker that fails to publish that letters were purged, at first.
type deaf struct {
	source.Broker
	failed int
	told   []string
}

func (d *deaf) Tell(_ context.Context, _, _, _ string, text []byte) error {
	if strings.Contains(string(text), erasure.PurgedType) && d.failed < 3 {
		d.failed++
		return errors.New("the broker is away")
	}
	d.told = append(d.told, string(text))
	return nil
}

// A minute after somebody was erased, the letters of their earlier events are gone from the file, of events that cannot
// be read too; those of others and of later events stay.
func TestLettersOfErasedPeopleArePurged(t *testing.T) {
	file, err := rulefile.Parse("rules.yaml", []byte(`rules:
  - name: seen
    event: seen
    do: [{track: {person: {email: .mail}, name: seen}}]
  - name: elsewhere
    event: seen
    workspace: shop_us
    do: [{track: {person: {email: .mail}, name: seen}}]
  - name: gone
    event: gone
    do: [{delete: {person: [{id: .id}, {email: .mail}]}}]
`))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := mapping.Compile(mapping.Config{Rules: file.Rules, Allow: []string{"delete"}, About: true,
		Workspaces: []string{"shop_us"}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	keyPath := filepath.Join(dir, "key")
	if err := os.WriteFile(keyPath, []byte("0123456789abcdef"), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		c := config.Default()
		c.Erasure = erasure.Config{Fences: true, KeyFile: keyPath, File: filepath.Join(dir, "erased"),
			PurgeLetters: true,
			ReportTopic:  "reports"}
		reports := &deaf{}
		b := &Bridge{broker: reports, config: c, rules: live.New(rules), log: canarytest.Logger(t),
			registry: canarytest.Registry(t), erased: make(chan struct{}, 1),
			workspaces: []delivery.Workspace{{Config: customerio.DefaultConfig()},
				{Name: "shop_us", Config: customerio.DefaultConfig()}}}
		path := filepath.Join(dir, "dead.jsonl")
		store := letterfile.New(deadletter.Config{File: path}, "")
		b.letters = store
		if b.decoder, err = content.NewDecoder(registry.Config{}, canarytest.Logger(t), b.registry); err != nil {
			t.Fatal(err)
		}
		defer b.decoder.Close()
		sender, err := b.fence(takes{})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.fences.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		message := func(offset int, value string) event.Message {
			return event.Message{Origin: event.Origin{Topic: "t", Offset: int64(offset)}, Value: []byte(value),
				Time: time.Unix(1_790_000_000+int64(offset), 0)}
		}
		for i, value := range []string{`{"type":"seen","mail":"Ann@x.org"}`, `{"type":"seen","mail":"bob@x.org"}`,
			`{"type":"lost","who":["ANN@x.org"]}`, "", `{"type":"seen","mail":"ann@x.org","late":true}`,
			`{"type":"seen","mail":"ann@x.org","shop":1}`,
		} {
			if value == "" {
				calls, _ := rules.Map(new(message(i, `{"type":"gone","id":"a","mail":"ann@x.org"}`)))
				if o := sender.Send(t.Context(), calls); o[0].Result != event.Delivered {
					t.Fatalf("the delete: %+v", o)
				}
				continue
			}
			rule, at := "seen", i
			if strings.Contains(value, "shop") {
				rule, at = "elsewhere", 2 // earlier, and Ann was not erased there
			}
			err := store.Put(t.Context(), event.FailedMessage{Message: message(at, value), Failures: []event.Failure{{
				ID: event.ID{15: byte(i + 1)}, Stage: event.StageDelivery, Reason: event.ReasonRefused, Rule: rule}}})
			if err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); b.purgeLetters(ctx) }()
		text := func() string {
			t.Helper()
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		if before := text(); strings.Count(before, "x.org") != 5 {
			t.Errorf("before: %s", before)
		}
		time.Sleep(purgeAfter + time.Second)
		if after := text(); strings.Count(after, "x.org") != 3 || !strings.Contains(after, "bob@x.org") ||
			!strings.Contains(after, "late") || !strings.Contains(after, "shop") {
			t.Errorf("after: %s", after)
		}
		time.Sleep(time.Hour) // the first attempts to tell of it fail
		synctest.Wait()
		if n := len(reports.told); n != 2 || !strings.Contains(reports.told[0], erasure.ReportType) ||
			!strings.Contains(reports.told[1], erasure.PurgedType) || !strings.Contains(reports.told[1], `"letters":2`) {
			t.Errorf("told: %v", reports.told)
		}
		cancel()
		<-ended
	})
}
