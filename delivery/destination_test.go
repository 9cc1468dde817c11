package delivery_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
)

// workspaces makes two, of which only the first has an App key.
func workspaces(t *testing.T, to http.RoundTripper) []delivery.Workspace {
	dir := t.TempDir()
	var list []delivery.Workspace
	for i, name := range []string{"", "second"} {
		c := customerio.DefaultConfig()
		c.Region, c.URL = customerio.EU, "https://one.example"
		c.SiteIDFile, c.APIKeyFile = filepath.Join(dir, name+"site"), filepath.Join(dir, name+"key")
		files := []string{c.SiteIDFile, c.APIKeyFile}
		if i == 0 {
			c.AppKeyFile = filepath.Join(dir, "app")
			files = append(files, c.AppKeyFile)
		} else {
			c.URL = "https://two.example"
		}
		for _, file := range files {
			if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		client, err := customerio.NewClient(c, 4, to)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, delivery.Workspace{Name: name, Client: client, Config: c})
	}
	return list
}

// An endpoint that refuses its credentials holds neither the others of its workspace nor another workspace.
func TestADestinationThatHaltsHoldsItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		halted := roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.Host == "one.example" && strings.HasPrefix(r.Header.Get("Authorization"), "Bearer") {
				return reply(401, "{}")
			}
			return reply(200, "{}")
		})
		s := delivery.New(workspaces(t, halted), canarytest.Logger(t), canarytest.Registry(t))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		step := &event.Step{Rule: "r", Call: "c"}
		app := event.Call{Step: step, Single: &event.Request{Method: "GET", Path: "/v1/segments",
			Destination: event.Destination(customerio.App.In(0))}}
		if got := s.Send(ctx, []event.Call{app}); got[0].Result != event.Open {
			t.Fatalf("refused credentials settle a call: %+v", got)
		}
		if got := s.State(); got.Condition != delivery.Halted {
			t.Errorf("the worst state is %s", got.Condition)
		}
		for _, number := range []uint16{customerio.Batch.In(0), customerio.Single.In(0), customerio.Batch.In(1)} {
			call := event.Call{Step: &event.Step{Destination: event.Destination(number)}, Body: []byte("{}")}
			if number == customerio.Single.In(0) {
				call.Single = &event.Request{Method: "POST", Path: "/x", Destination: event.Destination(number)}
			}
			began := time.Now()
			got := s.Send(ctx, []event.Call{call})
			if took := time.Since(began); got[0].Result != event.Delivered || took > time.Second {
				t.Errorf("destination %d: %+v after %s", number, got, took)
			}
		}
	})
}

// Calls of a segment are one request, and endpoints of one budget share its rate.
func TestCallsOfOnePathAreOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bodies []string
		s := delivery.New(workspaces(t, roundTrip(func(r *http.Request) (*http.Response, error) {
			body := new(strings.Builder)
			if err := r.Write(body); err != nil {
				return nil, err
			}
			_, text, _ := strings.Cut(body.String(), "\r\n\r\n")
			bodies = append(bodies, r.URL.Path+" "+text)
			return reply(200, "{}")
		})), canarytest.Logger(t), canarytest.Registry(t))
		var calls []event.Call
		for _, id := range []string{"c_7", "c_8", "c_9"} {
			path := "/api/v1/segments/7/add_customers"
			if id == "c_9" {
				path = "/api/v1/segments/8/add_customers"
			}
			calls = append(calls, event.Call{Step: &event.Step{}, Body: []byte(`"` + id + `"`), Single: &event.Request{
				Method: "POST", Path: path, Shared: true, Destination: event.Destination(customerio.Single.In(0))}})
		}
		for _, o := range s.Send(t.Context(), calls) {
			if o.Result != event.Delivered {
				t.Errorf("%+v", o)
			}
		}
		want := []string{
			`/api/v1/segments/7/add_customers {"ids":["c_7","c_8"]}`, `/api/v1/segments/8/add_customers {"ids":["c_9"]}`,
		}
		if strings.Join(bodies, "\n") != strings.Join(want, "\n") {
			t.Errorf("requests %q, want %q", bodies, want)
		}
		began := time.Now()
		for i := range 100 { // at 100 a second, whatever the endpoint
			call := event.Call{Step: &event.Step{}, Body: []byte("{}")}
			if i%2 == 0 {
				call.Single = &event.Request{Method: "POST", Path: "/x",
					Destination: event.Destination(customerio.Single.In(0))}
			}
			s.Send(t.Context(), []event.Call{call})
		}
		if took := time.Since(began); took < 980*time.Millisecond {
			t.Errorf("100 requests took %s", took)
		}
	})
}

// roundTrip is a transport that is a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
