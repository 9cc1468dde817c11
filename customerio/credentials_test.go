package customerio_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"log"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
)

var quiet = log.New(io.Discard, "", 0)

// guard accepts one pair of credentials and records what it was offered.
type guard struct {
	right   string
	offered []string
}

func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	encoded := strings.TrimPrefix(r.Header.Get("Authorization"), "Basic ")
	pair, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, err
	}
	g.offered = append(g.offered, string(pair))
	status := 200
	if string(pair) != g.right {
		status = 401
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(`{"region":"us"}`))}, nil
}

func (g *guard) last() string { return g.offered[len(g.offered)-1] }

func TestCredentialsAreReadAgainWhenTheyChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, g := newKeys(t), &guard{right: "site:key?>"}
		client := dial(t, k.config(""), g)
		send := func() customerio.Answer { return client.Do(context.Background(), batch) }

		if send(); g.last() != "site:key?>" {
			t.Errorf("offered %q", g.last())
		}
		write(t, k.apiKey, "second")
		time.Sleep(9 * time.Second)
		if send(); g.last() != "site:key?>" {
			t.Errorf("offered %q less than 10 s after the last look", g.last())
		}
		time.Sleep(time.Second)
		g.right = "site:second"
		if answer := send(); g.last() != "site:second" || answer.Status != 200 {
			t.Errorf("offered %q 10 s after the last look", g.last())
		}
		// What cannot be used does not replace what is in use.
		for _, spoil := range []func(){
			func() { write(t, k.apiKey, "") },
			func() { _ = os.Remove(k.apiKey) },
			func() { write(t, k.apiKey, "second"); write(t, k.siteID, "a:b") },
		} {
			spoil()
			time.Sleep(time.Minute)
			if answer := send(); g.last() != "site:second" || answer.Status != 200 {
				t.Errorf("offered %q", g.last())
			}
			if client.NewCredentials(customerio.Batch) {
				t.Error("what cannot be used counts as new")
			}
		}
	})
}

func TestA401LooksForNewCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, g := newKeys(t), &guard{right: "site:second"}
		client := dial(t, k.config(""), g)
		if answer := client.Do(context.Background(), batch); answer.Verdict != customerio.Halt ||
			answer.NewCredentials {
			t.Errorf("answer %+v, but nothing has changed", answer)
		}
		write(t, k.apiKey, "second")
		if answer := client.Do(context.Background(), batch); answer.Verdict != customerio.Halt ||
			!answer.NewCredentials {
			t.Errorf("answer %+v, but the file has changed", answer)
		}
		if client.NewCredentials(customerio.Batch) {
			t.Error("the same credentials are new twice")
		}
		if answer := client.Do(context.Background(), batch); answer.Verdict != customerio.Accepted {
			t.Errorf("answer %+v with the new key", answer)
		}
		write(t, k.apiKey, "third")
		if !client.NewCredentials(customerio.Batch) || client.NewCredentials(customerio.Batch) {
			t.Error("NewCredentials does not tell a change, once")
		}
	})
}

func TestCredentialsThatCannotBeRead(t *testing.T) {
	k := newKeys(t)
	if err := os.Remove(k.siteID); err != nil {
		t.Fatal(err)
	}
	_, err := customerio.NewClient(k.config(""), 1, nil)
	var credentials *customerio.CredentialsError
	if !errors.As(err, &credentials) || !errors.Is(err, fs.ErrNotExist) ||
		!strings.Contains(err.Error(), "site_id_file: ") {
		t.Errorf("error %v", err)
	}
}

func TestVerify(t *testing.T) {
	elsewhere := func(err error) bool {
		var e *customerio.RegionError
		return errors.As(err, &e) && e.Configured == customerio.US && e.Actual == customerio.EU
	}
	for _, c := range []struct {
		name   string
		status int
		body   string
		err    error
		check  func(error) bool
	}{
		{"the right region", 200, `{"url":"https://track.customer.io","region":"us","environment_id":3}`, nil,
			func(err error) bool { return err == nil }},
		{"the other region", 200, `{"region":"eu"}`, nil, elsewhere},
		{"the data center alone", 200, `{"data_center":"US","environment_id":3}`, nil,
			func(err error) bool { return err == nil }},
		{"the URL alone", 200, `{"url":"https://track.customer.io"}`, nil, func(err error) bool { return err == nil }},
		{"the URL with a path", 200, `{"url":"https://Track.customer.io/api/v1","region":null}`, nil,
			func(err error) bool { return err == nil }},
		{"the other region's data center", 200, `{"data_center":"eu"}`, nil, elsewhere},
		{"the other region's URL", 200, `{"url":"https://track-eu.customer.io/"}`, nil, elsewhere},
		{"region and URL that differ", 200, `{"region":"us","url":"https://track-eu.customer.io"}`, nil,
			unreachable(customerio.CauseUnexpected, 200)},
		{"region and data center that differ", 200, `{"region":"us","data_center":"eu"}`, nil,
			unreachable(customerio.CauseUnexpected, 200)},
		{"a URL that only begins so", 200, `{"url":"https://track.customer.io.canary.example/"}`, nil,
			unreachable(customerio.CauseUnexpected, 200)},
		{"an unknown region at a known URL", 200, `{"region":"canary","url":"https://track.customer.io"}`, nil,
			unreachable(customerio.CauseUnexpected, 200)},
		{"refused", 401, `{}`, nil, func(err error) bool {
			var e *customerio.CredentialsError
			return errors.As(err, &e) && e.Status == 401
		}},
		{"forbidden", 403, `{}`, nil, func(err error) bool {
			var e *customerio.CredentialsError
			return errors.As(err, &e) && e.Status == 403
		}},
		{"an outage", 503, "", nil, unreachable(customerio.CauseUnavailable, 503)},
		{"no network", 0, "", errors.New("canary"), unreachable(customerio.CauseReset, 0)},
		{"another service", 404, "", nil, unreachable(customerio.CausePath, 404)},
		{"a redirect", 301, "", nil, unreachable(customerio.CauseRegion, 301)},
		{"a page", 200, "<html>", nil, unreachable(customerio.CauseUnexpected, 200)},
		{"an unknown region", 200, `{"region":"canary"}`, nil, unreachable(customerio.CauseUnexpected, 200)},
		{"an empty answer", 204, "", nil, unreachable(customerio.CauseUnexpected, 204)},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked := ""
			client := dial(t, newKeys(t).config(""), roundTrip(func(r *http.Request) (*http.Response, error) {
				asked = r.Method + " " + r.URL.String()
				if c.err != nil {
					return nil, c.err
				}
				return &http.Response{StatusCode: c.status, Body: io.NopCloser(strings.NewReader(c.body))}, nil
			}))
			err := client.Verify(context.Background())
			if !c.check(err) || err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("error %#v %v", err, err)
			}
			if asked != "GET https://track.customer.io/api/v1/accounts/region" {
				t.Errorf("asked %s", asked)
			}
		})
	}
}

func unreachable(cause customerio.Cause, status int) func(error) bool {
	return func(err error) bool {
		var e *customerio.UnreachableError
		return errors.As(err, &e) && e.Cause == cause && e.Status == status && e.Error() != ""
	}
}

func TestProveTakesUpNewCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, g := newKeys(t), &guard{right: "site:second"}
		client := dial(t, k.config(""), g)
		write(t, k.apiKey, "second")
		if err := client.Verify(context.Background()); err != nil || len(g.offered) != 2 {
			t.Errorf("%v after offering %q", err, g.offered)
		}
	})
}

// Kubernetes replaces a mounted secret by renaming a link to its directory. A reader that comes in between must not
// join the site id of one with the key of the other.
func TestAPairIsNeverTorn(t *testing.T) {
	dir := t.TempDir()
	for _, v := range []string{"1", "2"} {
		if err := os.Mkdir(dir+"/v"+v, 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, dir+"/v"+v+"/site_id", "site"+v)
		write(t, dir+"/v"+v+"/api_key", "key"+v)
	}
	mount := func(version string) {
		if err := errors.Join(os.Symlink("v"+version, dir+"/next"), os.Rename(dir+"/next", dir+"/data")); err != nil {
			t.Error(err)
		}
	}
	mount("1")
	g := &guard{}
	client := dial(t, keys{siteID: dir + "/data/site_id", apiKey: dir + "/data/api_key"}.config(""), g)
	swapped := make(chan struct{})
	go func() {
		defer close(swapped)
		for i := range 100 {
			time.Sleep(time.Millisecond)
			mount([]string{"2", "1"}[i%2])
		}
	}()
	changes := 0
	for done := false; !done; {
		select {
		case <-swapped:
			done = true
		default:
		}
		if client.NewCredentials(customerio.Batch) {
			changes++
		}
		client.Do(context.Background(), batch)
		if pair := g.last(); pair != "site1:key1" && pair != "site2:key2" {
			t.Fatalf("offered %q", pair)
		}
	}
	if changes < 10 {
		t.Errorf("only %d of 100 changes were seen", changes)
	}
}
