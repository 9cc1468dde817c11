package emulator

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func (c *client) get(path string, into any) {
	c.t.Helper()
	r := c.do("GET", path, "", func(r *http.Request) { r.Header.Del("Authorization") })
	if r.status != 200 {
		c.t.Fatalf("%s: %d %s", path, r.status, r.body)
	}
	if err := json.Unmarshal([]byte(r.body), into); err != nil {
		c.t.Fatalf("%s: %v in %s", path, err, r.body)
	}
}

func TestControlReceipts(t *testing.T) {
	c := start(t, Options{KeepReceipts: 8})
	for n := range 10 {
		c.ok(c.batch(event([]string{"a", "b"}[n%2], n)))
	}
	for query, want := range map[string]string{
		"":                     "3..10 of 3, next 11",
		"?from=5&limit=2":      "5..6 of 3, next 7",
		"?from=10":             "10..10 of 3, next 11",
		"?from=11":             "none of 3, next 11",
		"?from=-2":             "9..10 of 3, next 11",
		"?person=id:a&limit=2": "3..5 of 3, next 6",
		"?person=id:a&from=8":  "9..9 of 3, next 11",
		"?person=id:c":         "none of 3, next 11",
	} {
		var got struct {
			First, Next int
			Receipts    []Receipt
		}
		c.get("/_emulator/receipts"+query, &got)
		s := "none"
		if n := len(got.Receipts); n > 0 {
			s = jsonOf(got.Receipts[0].N) + ".." + jsonOf(got.Receipts[n-1].N)
		}
		if s += " of " + jsonOf(got.First) + ", next " + jsonOf(got.Next); s != want {
			t.Errorf("%s: %s, want %s", query, s, want)
		}
	}
	for _, bad := range []string{"?from=x", "?limit=0", "?limit=-1"} {
		if r := c.do("GET", "/_emulator/receipts"+bad, ""); r.status != 400 {
			t.Errorf("%s: %d", bad, r.status)
		}
	}
}

func jsonOf(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func TestControlPeopleAndStats(t *testing.T) {
	c := start(t, Options{})
	c.ok(c.batch(identify("a", `{"email":"A@b.c","x":1.50}`), event("b", 1)))
	var got struct {
		Total  int
		People []Person
	}
	for query, want := range map[string]string{"": "b,a", "?limit=1": "b", "?person=email:a@B.c": "a",
		"?person=id:z": ""} {
		c.get("/_emulator/people"+query, &got)
		var ids []string
		for _, p := range got.People {
			ids = append(ids, p.ID)
		}
		if s := strings.Join(ids, ","); s != want || got.Total != 2 {
			t.Errorf("%s: %s of %d", query, s, got.Total)
		}
	}
	c.get("/_emulator/people?person=id:a", &got)
	if string(got.People[0].Attributes["x"]) != "1.50" {
		t.Errorf("digits are lost: %s", got.People[0].Attributes["x"])
	}
	var receipts struct{ Receipts []Receipt }
	c.ok(c.batch(op("event", `"email":"a@b.c"`, `,"name":"n"`)))
	if c.get("/_emulator/receipts?person=id:a", &receipts); len(receipts.Receipts) != 2 {
		t.Errorf("not all receipts of a person with two names: %+v", receipts)
	}
	var stats Stats
	c.get("/_emulator/stats", &stats)
	if jsonOf(stats) != jsonOf(c.s.Stats()) || stats.Items != 3 {
		t.Errorf("%+v", stats)
	}
	var objects struct{ Objects []Object }
	c.get("/_emulator/objects", &objects)
	if len(objects.Objects) != 0 {
		t.Errorf("%+v", objects)
	}
}

func TestControlFaults(t *testing.T) {
	c := start(t, Options{})
	if r := c.do("POST", "/_emulator/faults", `{"status":503,"times":1}`); r.status != 200 ||
		r.body != `{"names":["503 Service Unavailable"]}`+"\n" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := c.do("POST", "/_emulator/faults", `[{"name":"slow","latency":"1ms"},"name=gone,reset"]`); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
	for _, bad := range []string{``, `{`, `{"status":1}`, `{"colour":"red"}`, `[{"status":500},{}]`, `7`, `null`,
		`"status=1"`} {
		if r := c.do("POST", "/_emulator/faults", bad); r.status != 400 {
			t.Errorf("%s: %d %s", bad, r.status, r.body)
		}
	}
	if r := c.batch(event("7", 1)); r.status != 503 {
		t.Errorf("%d", r.status)
	}
	c.ok(c.batch(event("7", 1)))
	var got struct {
		Faults []struct {
			Fault          Fault
			Matched, Fired int
			Spent          bool
		}
		Fired map[string]int
	}
	c.get("/_emulator/faults", &got)
	if len(got.Faults) != 3 || !got.Faults[0].Spent || got.Faults[0].Fired != 1 || got.Faults[1].Fired != 1 ||
		got.Faults[2].Fault.Name != "gone" ||
		got.Fired["slow"] != 1 || got.Fired["gone"] != 0 {
		t.Errorf("%+v", got)
	}
	if r := c.do("DELETE", "/_emulator/faults?name=slow", ""); r.body != `{"removed":1}`+"\n" {
		t.Error(r.body)
	}
	if r := c.do("DELETE", "/_emulator/faults", ""); r.body != `{"removed":2}`+"\n" {
		t.Error(r.body)
	}
	c.ok(c.batch(event("7", 2)))
	if r := c.do("POST", "/_emulator/reset", ""); r.status != 200 || c.s.Stats().Requests != 0 ||
		len(c.s.FaultCounts()) != 0 {
		t.Errorf("%d %+v", r.status, c.s.Stats())
	}
}

func TestControlIsGuarded(t *testing.T) {
	c := start(t, Options{})
	origin := func(o string) func(*http.Request) { return func(r *http.Request) { r.Header.Set("Origin", o) } }
	if r := c.do("POST", "/_emulator/reset", "", origin("https://evil.example")); r.status != 403 {
		t.Errorf("another site's page: %d", r.status)
	}
	if r := c.do("POST", "/_emulator/reset", "", origin(c.url)); r.status != 200 {
		t.Errorf("the emulator's page: %d", r.status)
	}
	if r := c.do("GET", "/_emulator/nothing", ""); r.status != 404 || !strings.Contains(r.body, "receipts") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := c.do("PUT", "/_emulator/credentials", `{"site_id":"x"}`); r.status != 400 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestPage(t *testing.T) {
	c := start(t, Options{})
	r := c.do("GET", "/", "")
	if r.status != 200 || !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") ||
		!strings.Contains(r.header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%d %v", r.status, r.header)
	}
	for _, part := range []string{`lang="en"`, "/_emulator/", "<title>"} {
		if !strings.Contains(r.body, part) {
			t.Errorf("the page has no %s", part)
		}
	}
	// What people send is shown as text only.
	for _, way := range []string{"innerHTML", "insertAdjacentHTML", "outerHTML", "document.write", "eval("} {
		if strings.Contains(r.body, way) {
			t.Errorf("the page uses %s", way)
		}
	}
}
