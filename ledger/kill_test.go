package ledger_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/ledger"
)

// What the process that is killed is told by its environment.
const (
	killedAt  = "LEDGER_TEST_KILLED_AT"
	killKind  = "LEDGER_TEST_KIND"
	killPlace = "LEDGER_TEST_PLACE"
	killTopic = "LEDGER_TEST_TOPIC"
	killCall  = "LEDGER_TEST_CALL"
	killURL   = "LEDGER_TEST_URL"
)

// The steps at which a process is killed.
const (
	beforeIntent  = "before the intent"
	afterIntent   = "after the intent"
	whileSending  = "while the request is being answered"
	beforeOutcome = "before the outcome"
	afterOutcome  = "after the outcome"
)

func die() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL); select {} }

// mortal is a store whose process is killed beside a write.
type mortal struct {
	ledger.Store
	at string
}

func (m mortal) Put(ctx context.Context, id event.ID, prev, next ledger.Record) (ledger.Record, error) {
	before, after := beforeOutcome, afterOutcome
	if next.State == ledger.Intent {
		before, after = beforeIntent, afterIntent
	}
	if m.at == before {
		die()
	}
	known, err := m.Store.Put(ctx, id, prev, next)
	if m.at == after {
		die()
	}
	return known, err
}

// forever is a process, which cleans nothing up.
type forever struct{}

func (forever) Cleanup(func()) {}

// sendAndDie is the process that is killed.
func sendAndDie() {
	p := place{os.Getenv(killKind), os.Getenv(killPlace), os.Getenv(killTopic)}
	s, err := p.open(forever{}, ledger.Config{})
	if err == nil {
		_, err = s.Check(context.Background())
	}
	if err != nil {
		panic(err)
	}
	id, err := event.ParseID(os.Getenv(killCall))
	if err != nil {
		panic(err)
	}
	sender, err := senderTo(forever{}, os.Getenv(killURL), os.TempDir())
	if err != nil {
		panic(err)
	}
	l := ledger.New(sender, mortal{s, os.Getenv(killedAt)}, time.Second, zap.NewNop(), prometheus.NewRegistry())
	sender.Before(l.Claim)
	l.Send(context.Background(), []event.Call{onceCall(id)})
}

func onceCall(id event.ID) event.Call {
	return event.Call{
		ID: id, Step: &event.Step{Rule: "receipt", Call: "send", Action: "send", Once: true},
		Single: &event.Request{
			Method: http.MethodPost, Path: "/v1/send/email",
			Destination: event.Destination(customerio.Transactional.In(0)),
		},
		Body: []byte(`{"transactional_message_id":3,"to":"canary@mail.invalid","identifiers":{"id":"canary-person"}}`),
	}
}

// senderTo is the delivery's sender to an address.
func senderTo(c cleaner, url, dir string) (*delivery.Sender, error) {
	config := customerio.DefaultConfig()
	config.Region, config.URL = customerio.EU, url
	for _, secret := range []struct {
		file  *string
		value string
	}{
		{&config.SiteIDFile, emulator.DefaultSiteID}, {&config.APIKeyFile, emulator.DefaultAPIKey},
		{&config.AppKeyFile, emulator.DefaultAppKey},
	} {
		*secret.file = filepath.Join(dir, secret.value)
		if err := os.WriteFile(*secret.file, []byte(secret.value), 0o600); err != nil {
			return nil, err
		}
	}
	client, err := customerio.NewClient(config, 2, nil)
	if err != nil {
		return nil, err
	}
	c.Cleanup(client.Close)
	return delivery.New([]delivery.Workspace{{Client: client, Config: config}}, zap.NewNop(),
		prometheus.NewRegistry()), nil
}

// inbox is the emulator, and what happens when it has taken a request and not answered it.
type inbox struct {
	*emulator.Server
	reached atomic.Pointer[func()]
}

func (i *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := httptest.NewRecorder()
	i.Server.ServeHTTP(answer, r)
	if reached := i.reached.Load(); reached != nil {
		(*reached)()
	}
	w.WriteHeader(answer.Code)
	_, _ = answer.Body.WriteTo(w)
}

// sent is how many messages were sent.
func (i *inbox) sent() int { return len(i.Deliveries()) }

// atEachStep is how often a call was sent when its process is killed at a step, and whether somebody has to decide.
var atEachStep = map[string]struct {
	sent      int
	uncertain bool
}{
	beforeIntent: {0, false}, afterIntent: {0, true}, whileSending: {1, true}, beforeOutcome: {1, true},
	afterOutcome: {1, false},
}

// Whenever the process is killed, the call is sent once in the end, or not before a person has said so.
func TestKilledAtEachStepACallIsNeverSentTwice(t *testing.T) {
	for _, kind := range []string{"file", "jetstream", "kafka"} {
		for step := range atEachStep {
			t.Run(kind+" "+step, func(t *testing.T) {
				t.Parallel()
				killedAtStep(t, startPlace(t, kind), step)
			})
		}
	}
}

func TestRealKafkaKilledAtEachStep(t *testing.T) { killedAtEachStep(t, startPlace(t, "real kafka")) }
func TestRealNATSKilledAtEachStep(t *testing.T)  { killedAtEachStep(t, startPlace(t, "real nats")) }

func killedAtEachStep(t *testing.T, p place) {
	for step := range atEachStep {
		t.Run(step, func(t *testing.T) { killedAtStep(t, p, step) })
	}
}

func killedAtStep(t *testing.T, p place, step string) {
	in := &inbox{Server: emulator.New(emulator.Options{})}
	server := httptest.NewServer(in)
	t.Cleanup(server.Close)
	id, want := newID(), atEachStep[step]
	killProcess(t, p, in, server.URL, step, id)
	if got := in.sent(); got != want.sent {
		t.Fatalf("%d were sent before the kill, want %d", got, want.sent)
	}
	recover := newLedger(t, p, server.URL)
	o := recover.Send(t.Context(), []event.Call{onceCall(id)})[0]
	if uncertain := o.Result == event.Refused && o.Failure.Reason == event.ReasonSendUncertain; uncertain !=
		want.uncertain || !uncertain && o.Result != event.Delivered {
		t.Fatalf("after the kill: %+v, %+v", o, o.Failure)
	}
	if want.uncertain {
		decide(t, p, id, want.sent == 1)
		if o := recover.Send(t.Context(), []event.Call{onceCall(id)})[0]; o.Result != event.Delivered {
			t.Fatalf("after the decision: %+v, %+v", o, o.Failure)
		}
	}
	if got := in.sent(); got != 1 {
		t.Errorf("sent %d times", got)
	}
}

// killProcess runs a process that sends a call, and is killed at that step.
func killProcess(t *testing.T, p place, in *inbox, url, step string, id event.ID) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), killedAt+"="+step, killKind+"="+p.kind, killPlace+"="+p.address,
		killTopic+"="+p.topic, killCall+"="+id.String(), killURL+"="+url, "TMPDIR="+t.TempDir())
	cmd.Stderr = os.Stderr
	started := make(chan struct{})
	if step == whileSending {
		kill := func() {
			<-started
			_ = cmd.Process.Kill()
		}
		in.reached.Store(&kill)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	err := cmd.Wait()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the process was not killed: %v", err)
	}
	in.reached.Store(nil)
}

// newLedger is a ledger of another process, to which the killed one is long gone.
func newLedger(t *testing.T, p place, url string) *ledger.Sender {
	t.Helper()
	sender, err := senderTo(t, url, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	l := ledger.New(sender, p.mustOpen(t, ledger.Config{}), time.Second, canarytest.Logger(t), canarytest.Registry(t))
	sender.Before(l.Claim)
	l.SetGrace(0)
	return l
}

func decide(t *testing.T, p place, id event.ID, sent bool) {
	t.Helper()
	if err := ledger.Decide(t.Context(), p.mustOpen(t, ledger.Config{}), id, sent, -time.Hour); err != nil {
		t.Fatal(err)
	}
}
