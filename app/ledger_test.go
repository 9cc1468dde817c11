package app

import (
	"context"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/ledger"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/live"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
)

// held is a ledger in which another process has an intent for every call.
type held struct {
	ledger.Store
	intent ledger.Record
}

func (h held) Get(context.Context, event.ID) (ledger.Record, error) { return h.intent, nil }
func (held) Place() string                                          { return "the test" }

// Another's request is waited for as long as its rule lets it take, where that is longer than customerio.timeout.
func TestARequestIsWaitedForAsLongAsItsRuleLetsItTake(t *testing.T) {
	for timeout, want := range map[string]event.Result{"": event.Refused, ", timeout: 14s": event.Open} {
		file, err := rulefile.Parse("rules.yaml", []byte("rules: [{name: r, event: e, do: [{request: {api: app, "+
			"method: POST, path: /x"+timeout+"}}]}]"))
		if err != nil {
			t.Fatal(err)
		}
		rules, err := mapping.Compile(mapping.Config{Rules: file.Rules, Allow: []string{"request"}})
		if err != nil {
			t.Fatal(err)
		}
		c := config.Default()
		c.CustomerIO.Timeout = time.Second
		b := &Bridge{config: c, rules: live.New(rules), log: canarytest.Logger(t), registry: canarytest.Registry(t)}
		b.sender = delivery.New(nil, canarytest.Logger(t), b.registry)
		intent := ledger.Record{}.Follow(ledger.Intent, 7, time.Now().Add(-10*time.Second))
		sender := b.noted(takes{}, func() ledger.Store { return held{intent: intent} })
		calls, failures := rules.Map(&event.Message{Value: []byte(`{"type":"e"}`), Time: time.Now()})
		if len(calls) != 1 || len(failures) > 0 {
			t.Fatalf("%d calls, %v", len(calls), failures)
		}
		o := sender.Send(t.Context(), calls)[0]
		if o.Result != want || want == event.Open && o.NotBefore.Sub(intent.At) != 19*time.Second {
			t.Errorf("timeout %q: %+v", timeout, o)
		}
	}
}
