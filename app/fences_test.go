package app

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/erasure"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/live"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
)

// A call waits out an outage that its replica alone has, and another replica deletes its person meanwhile: the fences
// are asked again right before the request, and nothing is sent.
func TestFencesAreAskedRightBeforeARequest(t *testing.T) {
	file, err := rulefile.Parse("rules.yaml", []byte(`rules:
  - name: seen
    event: seen
    do: [{track: {person: {id: .id}, name: seen}}]
  - name: gone
    event: gone
    do: [{delete: {person: {id: .id}}}]
`))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := mapping.Compile(mapping.Config{Rules: file.Rules, Allow: []string{"delete"}, About: true})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c := config.Default()
	c.Erasure = erasure.Config{Fences: true, KeyFile: filepath.Join(dir, "key"),
		File: filepath.Join(dir, "erased")}
	c.CustomerIO.Region = customerio.US
	c.CustomerIO.SiteIDFile, c.CustomerIO.APIKeyFile = filepath.Join(dir, "site"), filepath.Join(dir, "track")
	for path, text := range map[string]string{
		c.Erasure.KeyFile: "0123456789abcdef", c.CustomerIO.SiteIDFile: emulator.DefaultSiteID,
		c.CustomerIO.APIKeyFile: emulator.DefaultAPIKey,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		server := emulator.New(emulator.Options{})
		replica := func() *fencedReplica { return startFenced(t, c, rules, server) }
		one, other := replica(), replica()
		if _, err := server.AddFault(emulator.Fault{Status: 503, RetryAfter: "60", Times: 1}); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second waits
			go func() { one.outcomes <- one.send(t, 1, `{"type":"seen","id":"7"}`) }()
			synctest.Wait()
			time.Sleep(time.Second)
		}
		if o := <-one.outcomes; o.Result != event.Open || o.Failure == nil {
			t.Errorf("the first attempt: %+v", o)
		}
		if o := other.send(t, 2, `{"type":"gone","id":"7"}`); o.Result != event.Delivered {
			t.Fatalf("the delete: %+v", o)
		}
		if o := <-one.outcomes; o.Result != event.Open || o.Failure != nil {
			t.Errorf("what has waited: %+v", o)
		}
		if o := one.send(t, 1, `{"type":"seen","id":"7"}`); o.Result != event.Refused ||
			o.Failure.Reason != event.ReasonErased {
			t.Errorf("then: %+v", o)
		}
		for _, r := range server.Receipts(0) {
			if r.Taken && r.Action != "delete" {
				t.Errorf("receipt %+v", r)
			}
		}
		one.stop()
		other.stop()
	})
}

// fencedReplica is the senders of a bridge.
type fencedReplica struct {
	rules *mapping.Rules
	next  interface {
		Send(context.Context, []event.Call) []event.Outcome
	}
	outcomes chan event.Outcome
	stop     func()
}

func startFenced(t *testing.T, c config.Config, rules *mapping.Rules, server *emulator.Server) *fencedReplica {
	t.Helper()
	client, err := customerio.NewClient(c.CustomerIO.Config, 2, server.Transport())
	if err != nil {
		t.Fatal(err)
	}
	b := &Bridge{config: c, rules: live.New(rules), log: canarytest.Logger(t), registry: canarytest.Registry(t),
		erased: make(chan struct{}, 1)}
	b.workspaces = []delivery.Workspace{{Client: client, Config: c.CustomerIO.Config}}
	b.sender = delivery.New(b.workspaces, canarytest.Logger(t), b.registry)
	next, err := b.around(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.fences.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var watch sync.WaitGroup
	watch.Go(func() { b.watchFences(ctx) })
	return &fencedReplica{rules, next, make(chan event.Outcome), func() {
		cancel()
		watch.Wait()
		client.Close()
	}}
}

func (r *fencedReplica) send(t *testing.T, offset int64, value string) event.Outcome {
	t.Helper()
	calls, failures := r.rules.Map(&event.Message{Origin: event.Origin{Topic: "t", Offset: offset},
		Value: []byte(value), Time: time.Unix(1_790_000_000+offset, 0)})
	if len(calls) != 1 {
		t.Errorf("no call, but %+v", failures)
		return event.Outcome{}
	}
	return r.next.Send(t.Context(), calls)[0]
}
