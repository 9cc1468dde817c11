package emulator

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const (
	batchPath    = "/api/v2/batch"
	entityPath   = "/api/v2/entity"
	regionPath   = "/api/v1/accounts/region"
	maxItemBytes = 32_000
)

// client talks to a server the way Customer.io's users do.
type client struct {
	t   *testing.T
	s   *Server
	url string

	transport http.RoundTripper
}

func start(t *testing.T, o Options) *client {
	t.Helper()
	s := New(o)
	hs := httptest.NewServer(s)
	t.Cleanup(hs.Close)
	return &client{t, s, hs.URL, http.DefaultTransport}
}

type reply2 struct {
	status int
	body   string
	header http.Header
}

func (c *client) try(method, path, body string, edit ...func(*http.Request)) (reply2, error) {
	r, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.SetBasicAuth(DefaultSiteID, DefaultAPIKey)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, e := range edit {
		e(r)
	}
	resp, err := c.transport.RoundTrip(r)
	if err != nil {
		return reply2{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return reply2{resp.StatusCode, string(b), resp.Header}, err
}

func (c *client) do(method, path, body string, edit ...func(*http.Request)) reply2 {
	c.t.Helper()
	r, err := c.try(method, path, body, edit...)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

func (c *client) batch(items ...string) reply2 {
	c.t.Helper()
	return c.do("POST", batchPath, `{"batch":[`+strings.Join(items, ",")+`]}`)
}

func (c *client) ok(r reply2) {
	c.t.Helper()
	if r.status != 200 || r.body != "{}\n" {
		c.t.Fatalf("answer %d %s, want 200 {}", r.status, r.body)
	}
}

// last gives the latest receipt.
func (c *client) last() Receipt {
	c.t.Helper()
	all := c.s.Receipts(0)
	if len(all) == 0 {
		c.t.Fatal("no receipts")
	}
	return all[len(all)-1]
}

func ulidOf(n int) string { return fmt.Sprintf("01J0000000000000000%07d", n) }

func event(person string, n int) string {
	return fmt.Sprintf(`{"type":"person","action":"event","identifiers":{"id":%q},"name":"bought","id":%q,"timestamp":1700000000,"attributes":{"n":%d}}`,
		person, ulidOf(n), n)
}

func identify(person, attributes string) string {
	return fmt.Sprintf(`{"type":"person","action":"identify","identifiers":{"id":%q},"attributes":%s}`, person,
		attributes)
}

func TestBatchTellsGoodItemsFromBad(t *testing.T) {
	c := start(t, Options{})
	r := c.batch(event("7", 1), `{"type":"person","action":"event","identifiers":{"id":"7"}}`,
		identify("7", `{"plan":"`+strings.Repeat("x", 1001)+`"}`), event("8", 2))
	want := `{"errors":[{"batch_index":1,"reason":"required","field":"name","message":"is required"},` +
		`{"batch_index":2,"reason":"invalid","field":"attributes.plan","message":"property value cannot be longer than 1000 bytes"}]}` + "\n"
	if r.status != 207 || r.body != want {
		t.Fatalf("answer %d %s\nwant 207 %s", r.status, r.body, want)
	}
	var got []string
	for _, r := range c.s.Receipts(0) {
		got = append(got, fmt.Sprintf("%d/%d %s %s %v %v %d", r.N, r.Request, r.Action, r.Person, r.Taken, r.Applied,
			r.Status))
	}
	if s := strings.Join(got,
		"; "); s != "1/1 event id:7 true true 207; 2/1 event id:7 false false 207; 3/1 identify id:7 false false "+
		"207; 4/1 event id:8 true true 207" {
		t.Error(s)
	}
	if r := c.s.Receipts(4)[0]; string(r.Body) != event("8", 2) || r.ID != ulidOf(2) || r.Name != "bought" ||
		r.Timestamp != 1700000000 {
		t.Errorf("receipt %+v", r)
	}
	if got := c.s.Stats(); got.Items != 4 || got.Taken != 2 || got.Refused != 2 || got.People != 2 ||
		got.ByStatus[207] != 1 {
		t.Errorf("stats %+v", got)
	}
}

func TestPartialFailureWith200(t *testing.T) {
	c := start(t, Options{PartialStatusOK: true})
	r := c.batch(event("7", 1), `{}`)
	if r.status != 200 || !strings.Contains(r.body, `"batch_index":1`) {
		t.Fatalf("answer %d %s", r.status, r.body)
	}
	if got := c.last().Status; got != 200 {
		t.Errorf("receipt says %d", got)
	}
}

func TestCredentials(t *testing.T) {
	c := start(t, Options{SiteID: "s", APIKey: "k+/"})
	as := func(user, password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(user, password) }
	}
	for _, tc := range []struct {
		user, password string
		status         int
	}{{"s", "k+/", 200}, {"s", "k", 401}, {"x", "k+/", 401}, {"", "", 401}} {
		if r := c.do("POST", entityPath, event("7", 1), as(tc.user, tc.password)); r.status != tc.status ||
			!json.Valid([]byte(r.body)) {
			t.Errorf("%s:%s answered %d %s", tc.user, tc.password, r.status, r.body)
		}
	}
	if r := c.do("POST", entityPath, event("7", 1),
		func(r *http.Request) { r.Header.Del("Authorization") }); r.status != 401 {
		t.Errorf("without credentials: %d", r.status)
	}
	if r := c.do("PUT", "/_emulator/credentials", `{"site_id":"s","api_key":"new"}`); r.status != 200 {
		t.Fatal(r)
	}
	if r := c.do("POST", entityPath, event("7", 1), as("s", "k+/")); r.status != 401 {
		t.Errorf("the old key answered %d", r.status)
	}
	if got := c.last(); got.Taken || got.Status != 401 || got.Type != "" {
		t.Errorf("receipt of a 401: %+v", got)
	}
	if r := c.do("POST", entityPath, event("7", 1), as("s", "new")); r.status != 200 {
		t.Errorf("the new key answered %d", r.status)
	}
}

func TestRepeatedEventIDIsIgnored(t *testing.T) {
	c := start(t, Options{})
	c.ok(c.batch(event("7", 1), event("7", 1), event("7", 2)))
	c.ok(c.batch(event("7", 2), strings.Replace(event("7", 1), ulidOf(1), strings.ToLower(ulidOf(1)), 1)))
	var ignored []string
	for _, r := range c.s.Receipts(0) {
		ignored = append(ignored, r.Ignored)
		if !r.Taken || r.Applied != (r.Ignored == "") {
			t.Errorf("receipt %+v", r)
		}
	}
	if got := strings.Join(ignored, ","); got != ",duplicate,,duplicate,duplicate" {
		t.Error(got)
	}
	if got := c.s.People()[0].Events; got != 2 {
		t.Errorf("%d events counted", got)
	}
	if got := c.s.Stats(); got.Duplicates != 3 || got.Taken != 5 || got.Applied != 2 {
		t.Errorf("%+v", got)
	}
}
