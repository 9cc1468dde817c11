package app

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/live"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
)

// answersOf are what the hosts of workspaces say, by host and path, and what they were asked.
type answersOf struct {
	mu    sync.Mutex
	say   map[string]int // a status; a region's question that is taken is answered with eu
	asked map[string]int
}

func (a *answersOf) set(at string, status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.say[at] = status
}

func (a *answersOf) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := r.URL.Host + r.URL.Path
	a.asked[at]++
	status, body := a.say[at], `{"region":"eu"}`
	switch {
	case status == 0:
		status = http.StatusOK
	case status == inTheUS:
		status, body = http.StatusOK, `{"region":"us"}`
	case status == silent:
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// What is no status: the workspace lives elsewhere, and no answer comes.
const (
	inTheUS = -1
	silent  = -2

	region = "/api/v1/accounts/region"
	people = "/v1/customers"
)

// withWorkspaces is a bridge to so many workspaces, on the hosts a, b and so on, of which the rules need the App key of
// b. No workspace can be used yet.
func withWorkspaces(t *testing.T, n int) (*Bridge, *answersOf, *observer.ObservedLogs) {
	t.Helper()
	file, err := rulefile.Parse("rules.yaml", []byte(`rules:
  - name: mail
    event: mail
    workspace: b
    do: [{request: {api: app, method: GET, path: /segments}}]
`))
	if err != nil {
		t.Fatal(err)
	}
	config := mapping.Config{Allow: []string{"request"}, Workspaces: []string{"b"}}
	if config.Rules = file.Rules; n == 1 {
		config.Rules[0].Workspace = ""
	}
	rules, err := mapping.Compile(config)
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	core, logged := observer.New(zapcore.InfoLevel)
	b := &Bridge{rules: live.New(rules), log: canarytest.Logger(t, core), proofs: newProofs()}
	to := &answersOf{say: map[string]int{}, asked: map[string]int{}}
	for i := range n {
		c := customerio.DefaultConfig()
		c.Region, c.SiteIDFile, c.APIKeyFile, c.AppKeyFile = customerio.EU, key, key, key
		c.URL = "https://" + string(rune('a'+i))
		client, err := customerio.NewClient(c, 1, to)
		if err != nil {
			t.Fatal(err)
		}
		w := delivery.Workspace{Client: client, Config: c}
		if i > 0 {
			w.Name = string(rune('a' + i))
		}
		b.workspaces = append(b.workspaces, w)
		b.proofs.open = append(b.proofs.open, obstacle{provesWorkspace(w.Name), errNotProven})
	}
	b.sender = delivery.New(b.workspaces, canarytest.Logger(t), canarytest.Registry(t))
	for i := range b.workspaces {
		b.sender.Hold(i, "", 0)
	}
	return b, to, logged
}

// send makes a call to a workspace and reports whether it was sent within a second.
func send(ctx context.Context, b *Bridge, workspace int) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	step := &event.Step{Destination: event.Destination(customerio.Batch.In(workspace))}
	return b.sender.Send(ctx, []event.Call{{Step: step, Body: []byte("{}")}})[0].Result == event.Delivered
}

// Each workspace is proven by itself, with the App key that rules need there. One that cannot be reached or used gets
// nothing until it is proven, whatever it answered in between.
func TestWorkspacesAreProvenByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, to, logged := withWorkspaces(t, 3)
		to.set("b"+people, 503)
		to.set("c"+region, silent)
		p := b.proveWorkspaces(t.Context())
		defer p.end()
		if err := p.wait(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		b.flowing.Store(true)
		time.Sleep(time.Minute)
		check := func(when string, sent ...bool) {
			t.Helper()
			for i, want := range sent {
				if got := send(t.Context(), b, i); got != want {
					t.Errorf("%s: workspace %d: sent %t", when, i, got)
				}
			}
		}
		check("at first", true, false, false)
		to.set("c"+region, inTheUS) // somebody has mended the network, and the region is another
		to.set("b"+people, 401)
		time.Sleep(time.Minute)
		check("wrong", true, false, false)
		for _, r := range b.sender.Reports() {
			causes := map[string]customerio.Cause{"b": customerio.CauseCredentials, "c": customerio.CauseRegion}
			if want := causes[r.Workspace]; r.Cause != want || r.Held != (want != "") {
				t.Errorf("%+v", r)
			}
		}
		left := b.proofs.left()
		if len(left) != 2 || !strings.Contains(left[0].public(), "workspace b: customer.io refuses the App key") ||
			!strings.Contains(left[1].public(), "workspace c: the workspace lives in region us") {
			t.Errorf("in the way: %v", left)
		}
		to.set("b"+people, 200)
		time.Sleep(10 * time.Second)
		check("one is mended", true, true, false)
		to.set("c"+region, 503)
		time.Sleep(time.Minute)
		check("away again", true, true, false)
		if left := b.proofs.left(); len(left) != 1 || !passes(left[0].err) {
			t.Errorf("in the way: %v", left)
		}
		to.set("c"+region, 200)
		time.Sleep(10 * time.Second)
		check("all are mended", true, true, true)
		var told []string
		for _, line := range logged.All() {
			told = append(told, line.Level.String()+" "+line.ContextMap()["what"].(string))
		}
		slices.Sort(told)
		want := []string{
			"error customer.io, workspace b", "error customer.io, workspace c", "info customer.io, workspace b",
			"info customer.io, workspace c", "warn customer.io, workspace b", "warn customer.io, workspace c",
			"warn customer.io, workspace c",
		}
		if !slices.Equal(told, want) {
			t.Errorf("logged %q", told)
		}
	})
}

// What is final ends the start where there is one workspace, or where no other can be used. While another one may yet
// be proven it is waited for.
func TestAStartEndsWhereNoWorkspaceCanBeUsed(t *testing.T) {
	for name, c := range map[string]struct {
		say  []map[string]int
		code int
		says string
	}{
		"one, of another region":   {[]map[string]int{{region: inTheUS}}, exit.Input, "lives in region us"},
		"one, refused":             {[]map[string]int{{region: 401}}, exit.Credentials, "refuses the credentials"},
		"one, its App key refused": {[]map[string]int{{people: 401}}, exit.Credentials, "refuses the App key"},
		"one, without an account":  {[]map[string]int{{region: 402}}, exit.CustomerIO, "402"},
		"one, away":                {[]map[string]int{{region: 503}}, exit.CustomerIO, "503"},
		"two, refused":             {[]map[string]int{{region: 401}, {region: 401}}, exit.Credentials, "workspace b"},
		"two, and one is away":     {[]map[string]int{{region: 503}, {region: 401}}, exit.CustomerIO, "workspace b"},
		"two, and one can be used": {[]map[string]int{{region: 401}, {}}, exit.OK, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, to, _ := withWorkspaces(t, len(c.say))
				for i, say := range c.say {
					for path, status := range say {
						to.set(string(rune('a'+i))+path, status)
					}
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				p := b.proveWorkspaces(ctx)
				defer p.end()
				began := time.Now()
				err := p.wait(ctx, 1)
				if exit.Code(err) != c.code || err != nil && !strings.Contains(err.Error(), c.says) {
					t.Errorf("%v, code %d", err, exit.Code(err))
				}
				waits := false
				for _, say := range c.say {
					waits = waits || say[region] == 503
				}
				if took := time.Since(began); waits != (took == time.Hour) || !waits && took != 0 {
					t.Errorf("after %s", took)
				}
			})
		})
	}
}
