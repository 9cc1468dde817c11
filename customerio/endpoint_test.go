package customerio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
)

// withAll adds the keys of the other APIs, in files.
func (k keys) withAll(t testing.TB, c customerio.Config) customerio.Config {
	c.AppKeyFile, c.WriteKeyFile = k.siteID+".app", k.siteID+".write"
	write(t, c.AppKeyFile, "app-1")
	write(t, c.WriteKeyFile, "write-1")
	return c
}

// TestEveryEndpointHasItsHostAndCredentials looks at what is sent to each class in each region.
func TestEveryEndpointHasItsHostAndCredentials(t *testing.T) {
	// site:key?> and write-1: in standard base64
	track, app, pipelines := "Basic c2l0ZTprZXk/Pg==", "Bearer app-1", "Basic d3JpdGUtMTo="
	for _, c := range []struct {
		endpoint      customerio.Endpoint
		us, eu        string
		authorization string
	}{
		{customerio.Batch, "https://track.customer.io", "https://track-eu.customer.io", track},
		{customerio.Single, "https://track.customer.io", "https://track-eu.customer.io", track},
		{customerio.App, "https://api.customer.io", "https://api-eu.customer.io", app},
		{customerio.Broadcast, "https://api.customer.io", "https://api-eu.customer.io", app},
		{customerio.Transactional, "https://api.customer.io", "https://api-eu.customer.io", app},
		{customerio.Pipelines, "https://cdp.customer.io", "https://cdp-eu.customer.io", pipelines},
		{customerio.Beta, "https://beta-api.customer.io", "https://beta-api-eu.customer.io", app},
	} {
		for region, host := range map[customerio.Region]string{customerio.US: c.us, customerio.EU: c.eu} {
			for _, url := range []string{"", "https://gateway.example.com"} {
				k := newKeys(t)
				config := k.withAll(t, k.config(url))
				config.Region = region
				var got *http.Request
				client := dial(t, config, roundTrip(func(r *http.Request) (*http.Response, error) {
					got = r
					return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("{}"))}, nil
				}))
				answer := client.Do(context.Background(), customerio.Request{
					Endpoint: c.endpoint, Method: "POST", Path: "/v1/x", Calls: 1,
					Header: http.Header{"authorization": {"Bearer canary"}, "user-agent": {"canary"}},
				})
				want := host + "/v1/x"
				if url != "" {
					want = url + "/v1/x"
				}
				if got.URL.String() != want || answer.Verdict != customerio.Accepted {
					t.Errorf("%s in %s: %s %+v", c.endpoint, region, got.URL, answer)
				}
				if all := fmt.Sprint(got.Header); strings.Contains(all, "canary") ||
					got.Header.Get("Authorization") != c.authorization {
					t.Errorf("%s: %s", c.endpoint, all)
				}
				if strict := got.Header.Get("X-Strict-Mode") == "1"; strict != (c.endpoint == customerio.Pipelines) {
					t.Errorf("%s: strict mode %t", c.endpoint, strict)
				}
			}
		}
	}
}

func TestEndpointOf(t *testing.T) {
	for _, c := range []struct {
		api    customerio.API
		method string
		path   string
		want   customerio.Endpoint
	}{
		{customerio.TrackAPI, "POST", "/api/v2/batch", customerio.Single},
		{customerio.TrackAPI, "PUT", "/api/v1/customers/7", customerio.Single},
		{customerio.AppAPI, "GET", "/v1/customers?email=a", customerio.App},
		{customerio.AppAPI, "POST", "/v1/send/email", customerio.Transactional},
		{customerio.AppAPI, "POST", "/v1/send/inbox_message?x=1", customerio.Transactional},
		{customerio.AppAPI, "GET", "/v1/send/email", customerio.App},
		{customerio.AppAPI, "POST", "/v1/campaigns/8/triggers", customerio.Broadcast},
		{customerio.AppAPI, "GET", "/v1/campaigns/8/triggers/1", customerio.App},
		{customerio.AppAPI, "POST", "/v1/campaigns/8/triggers/1", customerio.App},
		{customerio.AppAPI, "POST", "/v1/exports/customers", customerio.App},
		{customerio.PipelinesAPI, "POST", "/v1/track", customerio.Pipelines},
		{customerio.BetaAPI, "POST", "/v1/api/campaigns/8/triggers", customerio.Beta},
	} {
		if got := customerio.EndpointOf(c.api, c.method, c.path); got != c.want {
			t.Errorf("%s %s %s: %s, want %s", c.api, c.method, c.path, got, c.want)
		}
	}
}

func TestPacesAreThoseThatAreDocumented(t *testing.T) {
	c := customerio.DefaultConfig()
	for endpoint, want := range map[customerio.Endpoint]customerio.Pace{
		customerio.Batch: {Requests: 100, Per: time.Second}, customerio.Single: {Requests: 100, Per: time.Second},
		customerio.App: {Requests: 10, Per: time.Second}, customerio.Beta: {Requests: 10, Per: time.Second},
		customerio.Broadcast:     {Requests: 1, Per: 10 * time.Second},
		customerio.Transactional: {Requests: 100, Per: time.Second},
		customerio.Pipelines:     {Requests: 1000, Per: time.Second},
	} {
		if got := c.Pace(endpoint); got != want {
			t.Errorf("%s: %v, want %v", endpoint, got, want)
		}
	}
}

func TestNamesOfAPIsAndEndpoints(t *testing.T) {
	for _, name := range customerio.APINames() {
		if api, found := customerio.ParseAPI(name); !found || api.String() != name {
			t.Errorf("%s is read as %s", name, api)
		}
	}
	if _, found := customerio.ParseAPI("App"); found {
		t.Error("an API in capitals is found")
	}
	seen := map[string]bool{}
	for _, e := range customerio.Endpoints() {
		if seen[e.String()] || e.String() == "" {
			t.Errorf("the name %q", e)
		}
		seen[e.String()] = true
	}
}

// TestKeysThatAreMissing: what has no credentials is not asked, and holds until they are there.
func TestKeysThatAreMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeys(t)
		config := k.withAll(t, k.config(""))
		if err := errors.Join(os.Remove(config.AppKeyFile), os.Remove(config.WriteKeyFile)); err != nil {
			t.Fatal(err)
		}
		made := 0
		client := dial(t, config, roundTrip(func(*http.Request) (*http.Response, error) {
			made++
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("{}"))}, nil
		}))
		for _, c := range []struct {
			endpoint customerio.Endpoint
			file     string
		}{{customerio.App, config.AppKeyFile}, {customerio.Pipelines, config.WriteKeyFile}} {
			made = 0
			ask := customerio.Request{Endpoint: c.endpoint, Method: "GET", Path: "/v1/segments"}
			answer := client.Do(context.Background(), ask)
			if answer.Verdict != customerio.Halt || answer.Cause != customerio.CauseCredentials || answer.Sent ||
				made != 0 || answer.String() != "the credentials cannot be read" {
				t.Errorf("%s: %+v, %d requests", c.endpoint, answer, made)
			}
			var unread *customerio.CredentialsError
			if err := client.Read(c.endpoint.API()); !errors.As(err, &unread) || !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s: %v", c.endpoint, err)
			}
			write(t, c.file, "new")
			if !client.NewCredentials(c.endpoint) || client.NewCredentials(c.endpoint) {
				t.Errorf("%s: a key that is there now is not new, once", c.endpoint)
			}
			if answer := client.Do(context.Background(), ask); answer.Verdict != customerio.Accepted || made != 1 {
				t.Errorf("%s: %+v", c.endpoint, answer)
			}
			write(t, c.file, "a\r\nX-Other: b")
			time.Sleep(time.Minute)
			if answer := client.Do(context.Background(), ask); answer.Verdict != customerio.Accepted || made != 2 {
				t.Errorf("%s: a key that cannot be used takes the place of one that can: %+v", c.endpoint, answer)
			}
		}
	})
}

func TestVerifyApp(t *testing.T) {
	refused := func(err error) bool {
		var e *customerio.CredentialsError
		return errors.As(err, &e) && e.API == customerio.AppAPI && strings.Contains(e.Error(), "App key")
	}
	for _, c := range []struct {
		name   string
		status int
		body   string
		check  func(error) bool
	}{
		{"right", 200, `{"results":[]}`, func(err error) bool { return err == nil }},
		{"wrong", 401, `{"errors":[{"detail":"unauthorized","status":"401"}]}`, refused},
		{"forbidden", 403, ``, refused},
		{"wrong region", 301, `{"errors":[{"detail":"wrong datacenter","status":"301"}]}`,
			unreachable(customerio.CauseRegion, 301)},
		{"an outage", 503, "", unreachable(customerio.CauseUnavailable, 503)},
		{"too many", 429, "", unreachable(customerio.CauseRate, 429)},
		{"a page", 200, "<html>", unreachable(customerio.CauseUnexpected, 200)},
		{"another service", 404, "", unreachable(customerio.CauseUnexpected, 404)},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newKeys(t)
			asked := ""
			client := dial(t, k.withAll(t, k.config("")), roundTrip(func(r *http.Request) (*http.Response, error) {
				asked = r.Method + " " + r.URL.String()
				return &http.Response{StatusCode: c.status, Body: io.NopCloser(strings.NewReader(c.body))}, nil
			}))
			if err := client.VerifyApp(context.Background()); !c.check(err) {
				t.Errorf("error %v", err)
			}
			if asked != "GET https://api.customer.io/v1/customers?email=nobody%40ciobridge.invalid" {
				t.Errorf("asked %s", asked)
			}
		})
	}
}

// TestWhatAnAnswerIsReadAs: what App was asked for is any JSON; a list of errors may be what was asked for.
func TestWhatAnAnswerIsReadAs(t *testing.T) {
	for _, c := range []struct {
		endpoint customerio.Endpoint
		status   int
		foreign  bool
		body     string
		want     customerio.Verdict
	}{
		{customerio.App, 200, false, `{"errors":["line 3: no such person"],"next":0}`, customerio.Accepted},
		{customerio.App, 200, false, `[1]`, customerio.Accepted},
		{customerio.App, 201, false, ``, customerio.Accepted},
		{customerio.App, 200, false, `<html>`, customerio.Retry},
		{customerio.App, 200, true, `<html>`, customerio.Accepted},
		{customerio.App, 422, true, `{"errors":[]}`, customerio.Refused},
		{customerio.Beta, 200, false, `null`, customerio.Accepted},
		{customerio.Transactional, 200, false, `{"delivery_id":"a","queued_at":1}`, customerio.Accepted},
		{customerio.Transactional, 200, false, `{"meta":{"error":"no"}}`, customerio.Refused},
		{customerio.Transactional, 200, false, `[1]`, customerio.Retry},
		{customerio.Broadcast, 200, false, `{"id":3}`, customerio.Accepted},
		{customerio.Pipelines, 200, false, `{}`, customerio.Accepted},
		{customerio.Pipelines, 200, false, `<html>`, customerio.Retry},
		{customerio.Single, 200, false, `{"errors":["no"]}`, customerio.Refused},
	} {
		k := newKeys(t)
		client := dial(t, k.withAll(t, k.config("")), roundTrip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: c.status, Header: http.Header{"Content-Type": {"a/b"}},
				Body: io.NopCloser(strings.NewReader(c.body))}, nil
		}))
		answer := client.Do(context.Background(), customerio.Request{Endpoint: c.endpoint, Method: "GET", Path: "/",
			Calls: 1, Foreign: c.foreign, Keep: 1 << 10})
		if answer.Verdict != c.want {
			t.Errorf("%s %d %s: %s, want %s", c.endpoint, c.status, c.body, answer.Verdict, c.want)
		}
		if answer.Content == nil || string(answer.Content.Body) != c.body || answer.Content.Type != "a/b" {
			t.Errorf("kept %+v", answer.Content)
		}
	}
}

func TestRefusalsOfApp(t *testing.T) {
	got := customerio.ParseErrorBody([]byte(`{"errors":[{"status":"422","detail":"a must be a string",`+
		`"source":{"pointer":"/data/attributes/per_user_data/0"}}]}`), 1)
	want := customerio.Refusal{Problem: customerio.ProblemType, Field: "per_user_data.0"}
	if got.Shape != customerio.ShapeWhole || len(got.Refusals) != 1 || got.Refusals[0] != want {
		t.Errorf("%+v", got)
	}
}
