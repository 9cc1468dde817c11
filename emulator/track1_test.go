package emulator

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestTrackV1(t *testing.T) {
	for _, row := range []struct {
		method, path, body string
		status             int
		want               string // the error, or the receipt: type action person name ignored
	}{
		{"PUT", "/api/v1/customers/7", `{"plan":"pro","_timestamp":1700000000}`, 200, "person identify id:7  "},
		{"PUT", "/api/v1/customers/a%40B.c", `{}`, 200, "person identify email:a@b.c  "},
		{"PUT", "/api/v1/customers/cio_a3000001", `{}`, 200, "person identify cio_id:a3000001  unknown_cio_id"},
		{"PUT", "/api/v1/customers/a%2Fb%20c", `{}`, 200, "person identify id:a/b c  "},
		{"PUT", "/api/v1/customers/%2B123", `{}`, 200, "person identify id:+123  "},
		{"PUT", "/api/v1/customers/..", `{}`, 404, "not found"},
		{"PUT", "/api/v1/customers/%2e%2e", `{}`, 404, "not found"},
		{"PUT", "/api/v1/customers/", `{}`, 404, "not found"},
		{"PUT", "/api/v1/customers/%00", `{}`, 400, "identifier cannot contain control characters"},
		{"PUT", "/api/v1/customers/" + x(151), `{}`, 400, "identifier cannot be longer than 150 bytes"},
		{"POST", "/api/v1/customers/7", `{}`, 405, "method not allowed"},
		{"PUT", "/api/v1/customers/7", `[]`, 400, "body must be an object"},
		{"PUT", "/api/v1/customers/7", `{"a":1,"a":2}`, 400, `body has the key "a" twice`},
		{"PUT", "/api/v1/customers/7", `{"a":`, 400,
			"body must be valid JSON: unexpected end in place of a value at byte 5"},
		{"PUT", "/api/v1/customers/7", `{` + members(301) + `}`, 400,
			"cannot identify more than 300 attributes in one request"},
		{"PUT", "/api/v1/customers/7", `{"` + x(151) + `":1}`, 400, "attribute name cannot be longer than 150 bytes"},
		{"PUT", "/api/v1/customers/7", `{"plan":"` + x(1001) + `"}`, 400,
			"value for attribute 'plan' cannot be longer than 1000 bytes"},
		{"PUT", "/api/v1/customers/7", `{"id":""}`, 400, "id attribute cannot be an empty string"},
		{"PUT", "/api/v1/customers/7", `{"id":true}`, 400, "id attribute must be a string value"},
		{"PUT", "/api/v1/customers/7", `{"a":"` + x(1_000_000) + `"}`, 413, "body cannot be longer than 1000000 bytes"},
		{"PUT", "/api/v1/customers/7",
			`{"cio_relationships":{"action":"add_relationships","relationships":[{"identifiers":{"object_type_id":"1","object_id":"acme"}}]}}`, 200, "person identify id:7  "},
		{"PUT", "/api/v1/customers/7", `{"cio_relationships":{"action":"add"}}`, 400,
			"cio_relationships must have action and relationships"},
		{"PUT", "/api/v1/customers/7", `{"cio_subscription_preferences":{"topics":{"topic_1":"no"}}}`, 400,
			"cio_subscription_preferences.topics.topic_1 must be a boolean"},
		{"PUT", "/api/v1/customers/7", `{"cio_subscription_preferences":{"topics":{"topic_1":false}}}`, 200,
			"person identify id:7  "},
		{"GET", "/auth", "", 200, "    "},
		{"DELETE", "/api/v1/customers/7", "", 200, "person delete id:7  unknown_person"},
		{"POST", "/api/v1/customers/7/suppress", "", 200, "person suppress id:7  "},
		{"POST", "/api/v1/customers/7/unsuppress", "", 200, "person unsuppress id:7  not_suppressed"},
		{"POST", "/api/v1/customers/7/events",
			`{"name":"bought","type":"event","id":"01J00000000000000000000000","timestamp":1700000000,"data":{"n":1}}`,
			200, "person event id:7 bought "},
		{"POST", "/api/v1/customers/7/events", `{"name":"/","type":"page"}`, 200, "person page id:7 / "},
		{"POST", "/api/v1/customers/7/events", `{"name":"n","type":"click"}`, 400,
			"type must be one of event, page or screen"},
		{"POST", "/api/v1/customers/7/events", `{"data":{}}`, 400, "event name must not be blank"},
		{"POST", "/api/v1/customers/7/events", `{"name":" "}`, 400, "event name must not be blank"},
		{"POST", "/api/v1/customers/7/events", `{"name":"` + x(101) + `"}`, 400,
			"event name cannot be longer than 100 bytes"},
		{"POST", "/api/v1/customers/7/events", `{"name":"n","data":[]}`, 400, "event data must be a hash"},
		{"POST", "/api/v1/customers/7/events", `{"name":"n","data":{"a":"` + x(99_992) + `"}}`, 200,
			"person event id:7 n "},
		{"POST", "/api/v1/customers/7/events", `{"name":"n","data":{"a":"` + x(99_993) + `"}}`, 400,
			"event data cannot be longer than 100000 bytes"},
		{"POST", "/api/v1/customers/7/events", `{"name":"n","id":"7"}`, 400, "id must be a ULID"},
		{"POST", "/api/v1/customers/7/events", `{"name":"n","timestamp":"now"}`, 400,
			"timestamp must be a unix timestamp in seconds"},
		{"POST", "/api/v1/customers/7/events", `{"name":"n","attributes":{}}`, 400,
			"attributes is not a field of an event"},
		{"POST", "/api/v1/events", `{"name":"n","anonymous_id":"v"}`, 200, "person event anonymous_id:v n "},
		{"POST", "/api/v1/events", `{"name":"n","data":{"recipient":"a@b.c"}}`, 200, "person event  n "},
		{"POST", "/api/v1/events", `{"name":"n"}`, 400, "data.recipient is required for an event without anonymous_id"},
		{"PUT", "/api/v1/customers/7/devices", `{"device":{"id":"t","platform":"android","last_used":"1700000000"}}`,
			200, "person add_device id:7 t "},
		{"PUT", "/api/v1/customers/7/devices", `{"device":{"token":"t","platform":"android"}}`, 400,
			"device.token is not a field of a device"},
		{"PUT", "/api/v1/customers/7/devices", `{}`, 400, "device is required"},
		{"DELETE", "/api/v1/customers/7/devices/t%2Fu", "", 200, "person delete_device id:7 t/u unknown_device"},
		{"POST", "/api/v1/merge_customers", `{"primary":{"id":"1"},"secondary":{"email":"a@b.c"}}`, 200,
			"person merge id:1  unknown_merge_side"},
		{"POST", "/api/v1/merge_customers", `{"primary":{"id":"1","email":"a@b.c"},"secondary":{"id":"2"}}`, 400,
			"cannot have multiple identifiers in primary"},
		{"POST", "/api/v1/merge_customers", `{"primary":{"id":"1"}}`, 400, "primary and secondary are required"},
		{"POST", "/api/v1/segments/3/add_customers", `{"ids":["7"]}`, 200,
			"segment add_customers segment:3 3 unknown_person"},
		{"POST", "/api/v1/segments/3/remove_customers?id_type=email", `{"ids":["a@b.c","7"]}`, 200,
			"segment remove_customers segment:3 3 unknown_person"},
		{"POST", "/api/v1/segments/3/add_customers?id_type=phone", `{"ids":["7"]}`, 400,
			"id_type must be one of cio_id, email or id"},
		{"POST", "/api/v1/segments/3/add_customers", `{"ids":[]}`, 400, "ids must be an array with 1 to 1000 strings"},
		{"POST", "/api/v1/segments/3/add_customers", `{"ids":[7]}`, 400, "ids must be strings"},
		{"POST", "/api/v1/segments/3/add_customers", `{"ids":["x"` + strings.Repeat(`,"x"`, 999) + `]}`, 200,
			"segment add_customers segment:3 3 unknown_person"},
		{"POST", "/api/v1/segments/3/add_customers", `{"ids":["x"` + strings.Repeat(`,"x"`, 1000) + `]}`, 400,
			"ids cannot have more than 1000 entries"},
		{"POST", "/api/v1/segments/x/add_customers", `{"ids":["7"]}`, 400,
			"segment_id must be a positive 32-bit integer"},
		{"POST", "/api/v1/segments/3/empty", `{"ids":["7"]}`, 404, "not found: the Track API has no path /api/v1/segments/3/empty"},
		{"POST", "/api/v1/forms/signup/submit", `{"data":{"email":"a@b.c","plan":"pro"}}`, 204,
			"person identify email:a@b.c signup "},
		{"POST", "/api/v1/forms/signup/submit", `{"data":{"email":"a@b.c","id":"7"}}`, 400,
			"data must have exactly one of id or email"},
		{"POST", "/api/v1/forms/signup/submit", `{"data":{"email_address":"a@b.c"}}`, 400,
			"data must have exactly one of id or email"},
		{"POST", "/api/v1/forms/signup/submit", `{"data":{"id":12345,"plan":"pro"}}`, 204,
			"person identify id:12345 signup "},
		{"POST", "/api/v1/forms/signup/submit", `{"data":{"id":"7","n":1}}`, 400, "data.n must be a string"},
		{"POST", "/api/v1/forms/signup/submit", `{"data":{"id":"7","form_id":"x"}}`, 400,
			"data.form_id is reserved and would be ignored"},
		{"POST", "/api/v1/metrics", `{"delivery_id":"d","metric":"clicked","timestamp":1700000000,"href":"x"}`, 200,
			"delivery event delivery:d clicked "},
		{"POST", "/api/v1/metrics", `{"delivery_id":"d","metric":"read"}`, 400,
			"metric must be one of bounced, clicked, converted, deferred, delivered, dropped, opened or spammed"},
		{"POST", "/api/v1/metrics", `{"metric":"opened"}`, 400, "delivery_id must be a string and cannot be blank"},
		{"POST", "/api/v1/push/events", `{"delivery_id":"d","event":"opened","device_id":"t"}`, 200,
			"delivery event delivery:d opened "},
		{"POST", "/unsubscribe/d", `{"unsubscribe":true}`, 200, "delivery unsubscribe delivery:d  "},
		{"POST", "/unsubscribe/d", `{}`, 400, "unsubscribe must be a boolean"},
	} {
		c := start(t, Options{})
		r := c.do(row.method, row.path, row.body)
		receipt := c.last()
		got := fmt.Sprintf("%s %s %s %s %s", receipt.Type, receipt.Action, receipt.Person, receipt.Name,
			receipt.Ignored)
		if r.status >= 400 {
			var answer struct{ Meta struct{ Error string } }
			if err := json.Unmarshal([]byte(r.body), &answer); err != nil {
				t.Errorf("%s: %v", r.body, err)
			}
			got = answer.Meta.Error
		}
		if r.status != row.status || got != row.want {
			t.Errorf("%s %.60s %.60s: %d %s\nwant %d %s", row.method, row.path, row.body, r.status, got, row.status,
				row.want)
		}
		if receipt.Taken != (row.status < 300) || receipt.Status != row.status {
			t.Errorf("%s %.60s: receipt %+v", row.method, row.path, receipt)
		}
		if wantBody := map[int]string{200: "{}\n", 204: ""}; row.status < 300 && r.body != wantBody[row.status] {
			t.Errorf("%s %s answered %q", row.method, row.path, r.body)
		}
	}
}

// What official clients send is taken, in the form in which they send it.
func TestOfficialClients(t *testing.T) {
	c := start(t, Options{})
	c.do("PUT", "/api/v1/customers/7", `{"email":"a@b.c"}`)
	cio := c.s.People()[0].CioID
	for _, row := range []struct {
		method, path, body, want string // of the receipt: action person name ignored
	}{
		{"PUT", "/api/v1/customers/7/devices",
			`{"device":{"id":"t","platform":"ios","last_used":"1700000000","attributes":null}}`, "add_device id:7 t "},
		{"POST", "/api/v1/customers/7/events", `{"name":"n","data":null}`, "event id:7 n "},
		{"POST", "/api/v1/events", `{"anonymous_id":"v","data":null,"name":"n"}`, "event anonymous_id:v n "},
		{"POST", "/api/v1/events", `{"anonymous_id":12,"name":"n"}`, "event anonymous_id:12 n "},
		{"PUT", "/api/v1/customers/8", `{"anonymous_id":12}`, "identify id:8  "},
		{"PUT", "/api/v1/customers/cio_" + cio, `{"cio_id":"` + cio + `","plan":"pro"}`, "identify cio_id:" + cio +
			"  "},
		{"PUT", "/api/v1/customers/cio_" + cio, `{"cio_id":"cio_` + cio + `","plan":"free"}`,
			"identify cio_id:" + cio + "  "},
		{"POST", "/push/events", `{"delivery_id":"d","event":"opened","device_id":"t","timestamp":1700000000}`,
			"event delivery:d opened "},
	} {
		r := c.do(row.method, row.path, row.body)
		receipt := c.last()
		got := fmt.Sprintf("%s %s %s %s", receipt.Action, receipt.Person, receipt.Name, receipt.Ignored)
		if r.status != 200 || got != row.want {
			t.Errorf("%s %s %s: %d %s %s\nwant %s", row.method, row.path, row.body, r.status, r.body, got, row.want)
		}
	}
	people, _ := json.Marshal(c.s.People())
	want := `[{"cio_id":"` + cio + `","id":"7","email":"a@b.c","attributes":{"plan":"free"},"events":1,` +
		`"devices":{"t":{"id":"t","platform":"ios","last_used":"1700000000","attributes":null}}},` +
		`{"cio_id":"em000002","anonymous_ids":["v"],"events":1},{"cio_id":"em000004","id":"8","anonymous_ids":["12"],"events":1}]`
	if string(people) != want {
		t.Errorf("people %s\nwant   %s", people, want)
	}
	for path, body := range map[string]string{
		"/api/v1/customers/cio_" + cio: `{"cio_id":"em999999"}`, // somebody else's
		"/api/v1/customers/7":          `{"cio_id":"` + cio + `"}`,
	} {
		if r := c.do("PUT", path, body); r.status != 400 {
			t.Errorf("%s %s: %d %s", path, body, r.status, r.body)
		}
	}
}

func TestCredentialsInBase64ForURLs(t *testing.T) {
	c := start(t, Options{SiteID: "site", APIKey: "~?~?~?\xfb\xff"})
	standard := base64.StdEncoding.EncodeToString([]byte("site:~?~?~?\xfb\xff"))
	forURLs := base64.URLEncoding.EncodeToString([]byte("site:~?~?~?\xfb\xff"))
	if standard == forURLs {
		t.Fatal("the credentials do not tell the two apart")
	}
	for text, status := range map[string]int{standard: 200, forURLs: 200, forURLs[4:]: 401, "": 401} {
		r := c.do("POST", entityPath, event("7", 1), func(r *http.Request) {
			r.Header.Set("Authorization",
				"Basic "+text)
		})
		if r.status != status {
			t.Errorf("%q: %d, want %d", text, r.status, status)
		}
	}
}

// A path that is not there is told from a wrong key, on each API and whatever the credentials are.
func TestPathsThatAreNotThere(t *testing.T) {
	c := start(t, Options{})
	for path, api := range map[string]string{
		"/api/v1/nothing": "Track API", "/api/v3/batch": "Track API", "/other": "Track API",
		"/v1/nothing": "App API", "/v1/api/nothing": "App API", "/v1/track/more": "App API",
	} {
		for _, key := range []string{"Bearer " + DefaultAppKey, "Bearer other", ""} {
			r := c.do("POST", path, "{}", func(r *http.Request) { r.Header.Set("Authorization", key) })
			if r.status != 404 || !strings.Contains(r.body, api) || !strings.Contains(r.body, path) {
				t.Errorf("%s with %q: %d %s", path, key, r.status, r.body)
			}
		}
	}
	for host, path := range map[string]string{
		"cdp.customer.io": "/v1/customers", "api.customer.io": "/v1/identify", "track.customer.io": "/v1/identify",
	} {
		if r := c.do("POST", path, "{}", func(r *http.Request) { r.Host = host }); r.status != 404 {
			t.Errorf("%s has %s: %d %s", host, path, r.status, r.body)
		}
	}
}

// What has an @ in a path and is no address, such as a handle, is an id.
func TestHandlesInPathsAreIDs(t *testing.T) {
	c := start(t, Options{})
	for path, want := range map[string]string{
		"/api/v1/customers/@ada":             "id:@ada",
		"/api/v1/customers/%40ada":           "id:@ada",
		"/api/v1/customers/ada@":             "id:ada@",
		"/api/v1/customers/a%20b@c.d":        "id:a b@c.d",
		"/api/v1/customers/ada@example.com":  "email:ada@example.com",
		"/api/v1/customers/ada+1@Example.io": "email:ada+1@example.io",
	} {
		if r := c.do("PUT", path, "{}"); r.status != 200 || c.last().Person != want {
			t.Errorf("%s: %d %s is %s, want %s", path, r.status, r.body, c.last().Person, want)
		}
	}
}

func TestEffectsOfTrackV1(t *testing.T) {
	c := start(t, Options{})
	c.do("PUT", "/api/v1/customers/7",
		`{"email":"a@b.c","plan":"pro","cio_relationships":{"action":"add_relationships","relationships":[{"identifiers":{"object_type_id":"1","object_id":"acme"}}]}}`)
	c.do("POST", "/api/v1/customers/a@b.c/events", `{"name":"n"}`)
	c.do("PUT", "/api/v1/customers/7/devices", `{"device":{"id":"t","platform":"ios"}}`)
	c.do("POST", "/api/v1/segments/3/add_customers?id_type=email", `{"ids":["A@b.c"]}`)
	c.do("POST", "/api/v1/segments/4/add_customers", `{"ids":["7"]}`)
	c.do("POST", "/api/v1/segments/4/remove_customers", `{"ids":["7"]}`)
	c.do("POST", "/api/v1/forms/f/submit", `{"data":{"email":"a@b.c","color":"red"}}`)
	got, _ := json.Marshal(c.s.People())
	want := `[{"cio_id":"em000001","id":"7","email":"a@b.c","attributes":{"color":"red","plan":"pro"},"events":1,` +
		`"devices":{"t":{"id":"t","platform":"ios"}},"relationships":{"object/1:acme":{}},"segments":["3"]}]`
	if string(got) != want {
		t.Errorf("people %s\nwant   %s", got, want)
	}
	c.do("PUT", "/api/v1/customers/7",
		`{"cio_relationships":{"action":"delete_relationships","relationships":[{"identifiers":{"object_type_id":"1","object_id":"acme"}}]}}`)
	if p := c.s.People()[0]; len(p.Relationships) != 0 {
		t.Errorf("%+v", p)
	}
}

func TestRegion(t *testing.T) {
	on := func(host string) func(*http.Request) { return func(r *http.Request) { r.Host = host } }
	const us, eu = "track.customer.io", "track-eu.customer.io"
	for _, row := range []struct {
		region, host  string
		where, status int
		body          string
	}{
		{"us", us, 200, 200, `{"url":"https://track.customer.io","region":"us","environment_id":1}`},
		{"us", eu, 200, 401, `{"url":"https://track.customer.io","region":"us","environment_id":1}`},
		{"eu", us, 200, 200, `{"url":"https://track-eu.customer.io","region":"eu","environment_id":1}`},
		{"eu", eu, 200, 200, `{"url":"https://track-eu.customer.io","region":"eu","environment_id":1}`},
		{"", "localhost:8090", 200, 200, `{"url":"https://track.customer.io","region":"us","environment_id":1}`},
	} {
		c := start(t, Options{Region: row.region})
		if r := c.do("GET", regionPath, "", on(row.host)); r.status != row.where ||
			strings.TrimSpace(r.body) != row.body {
			t.Errorf("%s at %s: %d %s", row.region, row.host, r.status, r.body)
		}
		if r := c.do("POST", entityPath, event("7", 1), on(row.host)); r.status != row.status {
			t.Errorf("%s at %s: %d %s", row.region, row.host, r.status, r.body)
		}
	}
	c := start(t, Options{})
	if r := c.do("GET", regionPath, "", func(r *http.Request) { r.SetBasicAuth("x", "y") }); r.status != 401 {
		t.Errorf("wrong credentials: %d", r.status)
	}
	for _, path := range []string{"/api/v1/metrics", "/api/v1/push/events"} {
		body := `{"delivery_id":"d","metric":"opened"}`
		if strings.Contains(path, "push") {
			body = `{"delivery_id":"d","event":"opened"}`
		}
		if r := c.do("POST", path, body, func(r *http.Request) { r.Header.Del("Authorization") }); r.status != 200 {
			t.Errorf("%s wants credentials: %d", path, r.status)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	err := Options{Region: "asia", SiteID: "a:b", RememberIDs: -1, Faults: []Fault{{}}}.Validate()
	if err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("%v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("New takes a region that does not exist")
		}
	}()
	New(Options{Region: "asia"})
}
