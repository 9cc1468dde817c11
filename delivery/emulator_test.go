package delivery_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/actiontest"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
)

// emulated is a Sender over the emulator.
type emulated struct {
	*delivery.Sender
	client  *customerio.Client
	server  *emulator.Server
	keyFile string
}

func newEmulated(t *testing.T, region customerio.Region, o emulator.Options) *emulated {
	t.Helper()
	e := &emulated{server: emulator.New(o), keyFile: filepath.Join(t.TempDir(), "key")}
	e.writeKey(t, emulator.DefaultAPIKey)
	siteFile := filepath.Join(filepath.Dir(e.keyFile), "site")
	if err := os.WriteFile(siteFile, []byte(emulator.DefaultSiteID), 0o600); err != nil {
		t.Fatal(err)
	}
	appFile := filepath.Join(filepath.Dir(e.keyFile), "app")
	if err := os.WriteFile(appFile, []byte(emulator.DefaultAppKey), 0o600); err != nil {
		t.Fatal(err)
	}
	c := customerio.DefaultConfig()
	c.Region, c.SiteIDFile, c.APIKeyFile, c.AppKeyFile = region, siteFile, e.keyFile, appFile
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	var err error
	if e.client, err = customerio.NewClient(c, 4, e.server.Transport()); err != nil {
		t.Fatal(err)
	}
	e.Sender = delivery.New([]delivery.Workspace{{Client: e.client, Config: c}}, canarytest.Logger(t),
		canarytest.Registry(t))
	return e
}

func (e *emulated) writeKey(t *testing.T, key string) {
	t.Helper()
	if err := os.WriteFile(e.keyFile, []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
}

// track makes a call that tracks an event with a name; an empty name is one that Customer.io refuses.
func track(n int, name string) event.Call {
	id := event.ID{15: byte(n)}
	body := append(jsontext.AppendString(customerio.Track.Operation().AppendItem(nil, customerio.ID),
		fmt.Appendf(nil, "p%d", n)), '}')
	body = jsontext.AppendString(customerio.AppendMember(body, "name"), []byte(name))
	body = jsontext.AppendString(customerio.AppendMember(body, "id"), []byte(id.String()))
	return event.Call{ID: id, Step: step, Body: append(body, '}')}
}

func tracks(n int) []event.Call {
	calls := make([]event.Call, n)
	for i := range calls {
		calls[i] = track(i, "order")
	}
	return calls
}

// applied counts the receipts of calls that had an effect, and those that were ignored as duplicates.
func (e *emulated) applied() (applied, duplicates int) {
	for _, r := range e.server.Receipts(0) {
		switch {
		case r.Applied:
			applied++
		case r.Ignored == "duplicate":
			duplicates++
		}
	}
	return applied, duplicates
}

func TestTheEmulatorRefusesOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, as200 := range []bool{false, true} {
			e := newEmulated(t, customerio.US, emulator.Options{PartialStatusOK: as200})
			calls := tracks(5)
			calls[3] = track(3, "")
			outcomes := e.Send(t.Context(), calls)
			if got, want := count(outcomes), (tally{delivered: 4, refused: 1}); got != want {
				t.Fatalf("outcomes %+v, want %+v", got, want)
			}
			if f := outcomes[3].Failure; f == nil || f.Reason != event.ReasonRefused || f.Field != "name" ||
				f.ID != calls[3].ID {
				t.Errorf("failure %+v", f)
			}
			if applied, _ := e.applied(); applied != 4 {
				t.Errorf("%d calls had an effect, want 4", applied)
			}
		}
	})
}

func TestFaultsOfTheEmulator(t *testing.T) {
	for _, fault := range []emulator.Fault{
		{Name: "hang", Hang: "headers", Times: 2},
		{Name: "hang in body", Hang: "body", Times: 2},
		{Name: "applied but unanswered", Hang: "headers", Applied: true, Times: 2},
		{Name: "reset", Reset: true, Times: 2},
		{Name: "applied and reset", Reset: true, Applied: true, Times: 2},
		{Name: "500", Status: 500, Times: 2},
		{Name: "applied and 502", Status: 502, Applied: true, Times: 2},
		{Name: "429 until a date", Status: 429, RetryAfter: "date+30s", Times: 2},
		{Name: "503 for seconds", Status: 503, RetryAfter: "30", Times: 2},
		{Name: "a page", Status: 200, Body: "<html>", Times: 2},
		{Name: "a redirect", Status: 302, Location: "/login", Times: 2},
		{Name: "not found", Status: 404, Times: 2},
	} {
		t.Run(fault.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEmulated(t, customerio.US, emulator.Options{Faults: []emulator.Fault{fault}})
				start := time.Now()
				sendUntilDelivered(t.Context(), e.Sender, tracks(3))
				if n := e.server.FaultCounts()[fault.Name]; n != 2 {
					t.Errorf("the fault happened %d times, want 2", n)
				}
				applied, duplicates := e.applied()
				if applied != 3 || fault.Applied != (duplicates == 6) || !fault.Applied != (duplicates == 0) {
					t.Errorf("%d calls had an effect and %d were duplicates", applied, duplicates)
				}
				if took := time.Since(start); fault.RetryAfter != "" && took < 58*time.Second || took > 65*time.Second {
					t.Errorf("took %s", took)
				}
				if e.State().Condition != delivery.OK {
					t.Errorf("state %+v", e.State())
				}
			})
		})
	}
}

func TestTheEmulatorsCredentialsAndRegion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEmulated(t, customerio.US, emulator.Options{})
		if err := e.client.Verify(t.Context()); err != nil {
			t.Errorf("proof: %v", err)
		}
		e.server.SetCredentials(emulator.DefaultSiteID, "rotated")
		var refused *customerio.CredentialsError
		if err := e.client.Verify(t.Context()); !errors.As(err, &refused) {
			t.Errorf("proof with the old key: %v", err)
		}
		if e.Send(t.Context(), tracks(2)); e.State().Cause != customerio.CauseCredentials {
			t.Errorf("state %+v", e.State())
		}
		e.writeKey(t, "rotated")
		sendUntilDelivered(t.Context(), e.Sender, tracks(2))

		other := newEmulated(t, customerio.US, emulator.Options{Region: "eu"})
		var region *customerio.RegionError
		if err := other.client.Verify(t.Context()); !errors.As(err, &region) || region.Actual != customerio.EU {
			t.Errorf("proof in the other region: %v", err)
		}
	})
}

func TestASingleCallAtTheEmulator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEmulated(t, customerio.US, emulator.Options{})
		single := customerio.SingleEvent{
			Operation: customerio.Track.Operation(), Person: customerio.ID, Text: []byte("../a b"),
			Name: []byte(`"order"`),
			ID:   []byte(event.ID{15: 9}.String()), Data: []byte(`{"total":3}`),
		}
		call := event.Call{Step: step, Body: single.AppendTo(nil),
			Single: &event.Request{Method: "POST", Path: single.Path(), Destination: 1}}
		if got := count(e.Send(t.Context(), []event.Call{call})); got.delivered != 1 {
			t.Errorf("outcome %+v", got)
		}
		if r := e.server.Receipts(0); len(r) != 1 || r[0].Person != "id:../a b" || !r[0].Applied {
			t.Errorf("receipts %+v", r)
		}
	})
}

// The table of operations and the emulator's own agree on every action, as far as its example in the documents shows.
func TestTheEmulatorTakesEveryAction(t *testing.T) {
	examples := actionExamples(t)
	for _, region := range []customerio.Region{customerio.US, customerio.EU} {
		synctest.Test(t, func(t *testing.T) {
			e := newEmulated(t, region, emulator.Options{Region: string(region)})
			for i := range examples {
				calls := exampleCalls(t, &examples[i])
				if got := count(e.Send(t.Context(), calls)); got.delivered != len(calls) {
					t.Errorf("%s: %+v", examples[i].Action, got)
				}
			}
			if receipts := e.server.Receipts(0); len(receipts) != len(examples) {
				t.Errorf("%d receipts, want %d", len(receipts), len(examples))
			}
		})
	}
}

func actionExamples(t *testing.T) []actiontest.Example {
	t.Helper()
	text, err := os.ReadFile("../docs/actions.md")
	if err != nil {
		t.Fatal(err)
	}
	examples, err := actiontest.Read(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return examples
}

// exampleCalls are the calls that an example of the documents makes.
func exampleCalls(t *testing.T, e *actiontest.Example) []event.Call {
	t.Helper()
	file, err := rulefile.Parse(e.Action, []byte(e.Rules()))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := mapping.Compile(mapping.Config{Rules: file.Rules, Allow: customerio.DestructiveActions()})
	if err != nil {
		t.Fatal(err)
	}
	calls, failures := rules.Map(new(e.Message()))
	if len(calls) != 1 || len(failures) > 0 {
		t.Fatalf("%s: %d calls, failures %+v", e.Action, len(calls), failures)
	}
	return calls
}
