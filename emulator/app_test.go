package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// app asks the App API.
func (c *client) app(method, path, body string) reply2 {
	c.t.Helper()
	return c.do(method, path, body, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+DefaultAppKey) })
}

// times are what differs from run to run.
var times = regexp.MustCompile(`1[0-9]{9}|[0-9]{10}|01[0-9A-Z]{24}`)

// wants asks the App API and compares the answer, in which times are a T.
func (c *client) wants(method, path, body string, status int, want string) {
	c.t.Helper()
	r := c.app(method, path, body)
	if got := times.ReplaceAllString(strings.TrimSpace(r.body), "T"); r.status != status || got != want {
		c.t.Errorf("%s %s %.200s: %d %s\nwant %d %s", method, path, body, r.status, got, status, want)
	}
}

func TestAppShowsPeople(t *testing.T) {
	c := start(t, Options{NoRateLimits: true})
	c.do("PUT", "/api/v1/customers/7", `{"email":"Ada@example.com","plan":"pro","age":36,"tags":["a"],"unsubscribed":"True",
		"cio_subscription_preferences":{"topics":{"topic_1":true,"topic_2":false}}}`)
	c.do("PUT", "/api/v1/customers/7/devices", `{"device":{"id":"t","platform":"ios","attributes":{"push_enabled":"true"}}}`)
	c.do("PUT", "/api/v1/customers/8", `{"plan":"free"}`)
	c.do("PUT", "/api/v1/customers/9", `{}`)
	c.do("POST", "/api/v1/customers/9/suppress", "")
	c.batch(`{"type":"object","action":"identify","identifiers":{"object_type_id":"1","object_id":"acme"},
		"attributes":{"seats":3},"cio_relationships":[{"identifiers":{"id":"7"},"relationship_attributes":{"role":"admin"}}]}`)
	const ada = `{"cio_id":"em000001","email":"ada@example.com","id":"7"}`
	const eight = `{"cio_id":"em000002","email":null,"id":"8"}`
	const acme = `{"cio_object_id":"ob000004","object_id":"acme","object_type_id":"1"}`
	customer := `{"attributes":{"age":"36","cio_id":"em000001",` +
		`"cio_subscription_preferences":"{\"topics\":{\"topic_1\":true,\"topic_2\":false}}","email":"ada@example.com",` +
		`"id":"7","plan":"pro","tags":"[\"a\"]","unsubscribed":"True"},` +
		`"devices":[{"attributes":{"push_enabled":"true"},"id":"t","last_used":null,"platform":"ios"}],"id":"7",` +
		`"identifiers":` + ada + `,"timestamps":{"age":T,"cio_subscription_preferences":T,"plan":T,"tags":T,` +
		`"unsubscribed":T},"unsubscribed":true}`
	items := c.s.Stats().Items
	one, all := `{"customer":`+customer+`}`, `{"customers":[`+customer+`]}`
	both := `{"identifiers":[` + ada + `,` + eight + `],"ids":["7","8"],"next":""}`
	for _, x := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/v1/customers?email=ada@example.com", "", 200, `{"results":[` + ada + `]}`},
		{"GET", "/v1/customers?email=a%2Bb@example.com", "", 200, `{"results":[]}`},
		{"GET", "/v1/customers", "", 400, `{"errors":[{"detail":"email is required","status":"400"}]}`},
		{"GET", "/v1/customers/7/attributes", "", 200, one},
		{"GET", "/v1/customers/ADA%40example.com/attributes?id_type=email", "", 200, one},
		{"GET", "/v1/customers/cio_em000001/attributes?id_type=cio_id", "", 200, one},
		{"GET", "/v1/customers/9/attributes", "", 404,
			`{"errors":[{"detail":"not found (reference emulator)","status":"404"}]}`},
		{"GET", "/v1/customers/7/attributes?id_type=name", "", 400,
			`{"errors":[{"detail":"id_type must be one of id, email, phone or cio_id","status":"400"}]}`},
		{"POST", "/v1/customers/attributes", `{"ids":["7","nobody"]}`, 200, all},
		{"POST", "/v1/customers/attributes", `{"ids":[]}`, 400,
			`{"errors":[{"detail":"ids must be an array of 1 to 100 strings","status":"400"}]}`},
		{"POST", "/v1/customers", `{"filter":{"attribute":{"field":"cio_id","operator":"exists"}}}`, 200, both},
		{"POST", "/v1/customers", `{"filter":{"and":[{"attribute":{"field":"plan","operator":"eq","value":"pro"}},
			{"not":{"segment":{"id":4}}}]}}`, 200, `{"identifiers":[` + ada + `],"ids":["7"],"next":""}`},
		{"POST", "/v1/customers", `{"filter":{"or":[{"attribute":{"field":"plan","operator":"eq","value":"free"}},
			{"attribute":{"field":"age","operator":"eq","value":36}}]}}`, 200, both},
		{"POST", "/v1/customers?limit=1", `{"filter":{"attribute":{"field":"cio_id","operator":"exists"}}}`, 200,
			`{"identifiers":[` + ada + `],"ids":["7"],"next":"1"}`},
		{"POST", "/v1/customers?limit=1&start=1", `{"filter":{"attribute":{"field":"cio_id","operator":"exists"}}}`,
			200, `{"identifiers":[` + eight + `],"ids":["8"],"next":""}`},
		{"POST", "/v1/customers", `{"filter":{"attribute":{"field":"x","operator":"gt","value":1}}}`, 400,
			`{"errors":[{"detail":"attribute must have a field, and the operator eq or exists","status":"400"}]}`},
		{"POST", "/v1/customers", `{`, 400,
			`{"errors":[{"detail":"body must be valid JSON: unexpected end of JSON input","status":"400"}]}`},
		{"GET", "/v1/customers/7/subscription_preferences", "", 200, `{"customer":{"id":"7","identifiers":` + ada +
			`,"topics":[{"id":1,"identifier":"topic_1","name":"Topic 1","subscribed":true},` +
			`{"id":2,"identifier":"topic_2","name":"Topic 2","subscribed":false}],"unsubscribed":true}}`},
		{"GET", "/v1/customers/7/relationships", "", 200, `{"cio_relationships":[{"identifiers":` + acme +
			`,"relationship_attributes":{"role":"admin"}}],"identifiers":[` + acme + `],"next":"","relationships":[` +
			`{"identifiers":` + acme + `,"relationship_attributes":{"role":"admin"}}]}`},
		{"GET", "/v1/objects/1/acme/attributes", "", 200,
			`{"object":{"attributes":{"seats":"3"},"identifiers":` + acme + `}}`},
		{"POST", "/v1/objects", `{"object_type_id":"1","filter":{"object_attribute":{"field":"seats","operator":"eq","value":"3"}}}`,
			200, `{"identifiers":[` + acme + `],"ids":["acme"],"next":""}`},
	} {
		c.wants(x.method, x.path, x.body, x.status, x.want)
		_, query, _ := strings.Cut(x.path, "?")
		if r := c.last(); r.Taken != (x.status < 400) || r.Type != "" || r.Body != nil || r.Query != query {
			t.Errorf("%s %s: receipt %+v", x.method, x.path, r)
		}
	}
	if got := c.s.Stats(); got.Items != items {
		t.Errorf("reading counts as %d calls", got.Items-items)
	}
}

// Customer.io answers 200 to all of these and does nothing. The activity log is where it tells.
func TestActivitiesTellWhatWasIgnored(t *testing.T) {
	c := start(t, Options{NoRateLimits: true})
	identify := func(id, more string) string {
		return `{"type":"person","action":"identify","identifiers":{` + id + `}` + more + `}`
	}
	c.ok(c.batch(
		identify(`"id":"7"`, `,"attributes":{"plan":"pro"},"timestamp":1700000100`),
		identify(`"id":"7"`, `,"attributes":{"plan":"free"},"timestamp":1700000000`),
		identify(`"id":"8"`, `,"attributes":{"email":"b@example.com"}`),
		identify(`"id":"7"`, `,"attributes":{"id":"8"}`),
		identify(`"id":"nobody"`, `,"attributes":{"_update":true}`),
		identify(`"cio_id":"em999999"`, ``),
		`{"type":"person","action":"event","identifiers":{"cio_id":"em999999"},"name":"n"}`,
		`{"type":"person","action":"merge","primary":{"id":"none"},"secondary":{"id":"8"}}`,
		`{"type":"object","action":"identify","identifiers":{"cio_object_id":"ob999999"},"attributes":{"a":1}}`,
		`{"type":"person","action":"add_relationships","identifiers":{"cio_id":"em999999"},
			"cio_relationships":[{"identifiers":{"object_type_id":"1","object_id":"o"}}]}`,
	))
	c.do("POST", "/api/v1/segments/3/add_customers", `{"ids":["x"]}`)
	c.do("POST", "/api/v1/segments/3/add_customers", `{"ids":["7","x",""]}`)
	r := c.app("GET", "/v1/activities?limit=100", "")
	var got struct {
		Activities []struct {
			Type       string
			CustomerID *string `json:"customer_id"`
			Data       json.RawMessage
		}
		Next string
	}
	if err := json.Unmarshal([]byte(r.body), &got); err != nil || got.Next != "" {
		t.Fatal(err, r.body)
	}
	var lines []string
	for _, a := range got.Activities {
		who := "nobody"
		if a.CustomerID != nil {
			who = *a.CustomerID
		}
		lines = append([]string{fmt.Sprintf("%s %s %s", a.Type, who, a.Data)}, lines...)
	}
	want := []string{
		`profile_create 7 {}`,
		`attribute_change 7 {"plan":{"from":null,"to":"pro"}}`,
		`skipped_update 7 {"reason":"stale"}`,
		`profile_create 8 {}`,
		`failed_attribute_change 7 {"reason":"identifier_conflict"}`,
		`failed_attribute_change nobody {"reason":"update_only"}`,
		`failed_attribute_change nobody {"reason":"unknown_cio_id"}`,
		`failed_event nobody {"reason":"unknown_cio_id"}`,
		`failed_attribute_change nobody {"reason":"unknown_merge_side"}`,
		`_o:cio_object_id:failed_attribute_change nobody {"reason":"unknown_object"}`,
		`relationship_failed_attribute_change nobody {"reason":"unknown_cio_id"}`,
		`failed_batch_update nobody {"reason":"unknown_person"}`,
		`failed_batch_update nobody {"reason":"unknown_person","ids":2}`,
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	seen, start := 0, ""
	for { // the pages hold every entry once, though entries are added meanwhile
		var page struct {
			Activities []any
			Next       string
		}
		json.Unmarshal([]byte(c.app("GET", "/v1/activities?limit=5&start="+start, "").body), &page)
		c.ok(c.batch(event("7", 100+seen)))
		if seen += len(page.Activities); page.Next == "" {
			break
		}
		start = page.Next
	}
	if seen != len(want) {
		t.Errorf("the pages hold %d entries, want %d", seen, len(want))
	}
}

func TestTransactionalMessagesAreCounted(t *testing.T) {
	c := start(t, Options{})
	c.do("PUT", "/api/v1/customers/7", `{"email":"a@example.com"}`)
	c.wants("POST", "/v1/send/email", `{"transactional_message_id":3,"to":"a@example.com","identifiers":{"id":"7"}}`, 200,
		`{"delivery_id":"dl00000001","queued_at":T}`)
	c.wants("POST", "/v1/send/push", `{"transactional_message_id":"welcome","identifiers":{"email":"new@example.com"}}`,
		200, `{"delivery_id":"dl00000002","queued_at":T}`)
	big := strings.Repeat("x", 1_000_001)
	for body, want := range map[string]string{
		`{"transactional_message_id":3,"to":"a@b.c"}`:                                                                       "'identifiers' must be exactly one of id, email or cio_id",
		`{"transactional_message_id":3,"to":"a@b.c","identifiers":{"id":"7","email":"a@b.c"}}`:                              "'identifiers' must be exactly one of id, email or cio_id",
		`{"to":"a@b.c","identifiers":{"id":"7"}}`:                                                                           "'from', 'subject' and 'body' are required without a 'transactional_message_id'",
		`{"transactional_message_id":3,"identifiers":{"id":"7"}}`:                                                           "'to' is required",
		`{"transactional_message_id":3,"to":"a@b.c","identifiers":{"id":"7"},"x":1}`:                                        "'x' is not a field of a transactional message of this channel",
		`{"transactional_message_id":3,"to":"a@b.c","identifiers":{"id":"7"},"send_at":"now"}`:                              "'send_at' must be a unix timestamp in seconds",
		`{"transactional_message_id":3,"to":"a@b.c","identifiers":{"id":"7"},"bcc":"` + strings.Repeat("b@c.d,", 15) + `"}`: "cannot have more than 15 recipients",
		`{"transactional_message_id":3,"to":"a@b.c","identifiers":{"cio_id":"em999"}}`:                                      "there is no person with this cio_id",
	} {
		c.wants("POST", "/v1/send/email", body, 400, `{"meta":{"error":"`+want+`"}}`)
	}
	if r := c.app("POST", "/v1/send/email", `{"transactional_message_id":3,"to":"a@b.c","identifiers":{"id":"7"},"body":"`+
		big+`"}`); r.status != 413 {
		t.Errorf("a message over the limit: %d %s", r.status, r.body)
	}
	c.do("POST", "/api/v1/metrics", `{"delivery_id":"dl00000001","metric":"clicked","href":"https://a.b/c","timestamp":1700000000}`)
	sent := c.s.Deliveries()
	if len(sent) != 2 || sent[0].Source != "transactional:3" || sent[0].Metrics["clicked"] != 1700000000 ||
		sent[1].To != "email:new@example.com" || sent[1].Channel != "push" {
		t.Errorf("%+v", sent)
	}
	var taken []string
	for _, r := range c.s.Receipts(0) {
		if r.API == "app" && r.Taken {
			taken = append(taken, strings.Join([]string{r.Type, r.Action, r.Person, r.Name, r.ID}, " "))
		}
	}
	if got := strings.Join(taken, "\n"); got != "message send_email id:7 3 dl00000001\n"+
		"message send_push email:new@example.com welcome dl00000002" {
		t.Error(got)
	}
	if got := c.s.Stats().ByAPI; got["app"] != 11 || got["track"] != 2 || c.s.Stats().Messages != 2 {
		t.Error(got)
	}
	for query, want := range map[string]int{
		"api=app": 11, "api=track": 2, "type=message": 11, "api=app&type=message&person=id:7": 7, "api=pipelines": 0,
	} {
		var page struct{ Receipts []Receipt }
		json.Unmarshal([]byte(c.do("GET", "/_emulator/receipts?"+query, "").body), &page)
		if len(page.Receipts) != want {
			t.Errorf("%s: %d receipts, want %d", query, len(page.Receipts), want)
		}
	}
	r := c.app("GET", "/v1/customers/7/messages", "")
	if !strings.Contains(r.body, `"transactional_message_id":"3"`) || strings.Contains(r.body, "dl00000002") {
		t.Error(r.body)
	}
}

// What the documents say of single members, and what becomes of a draft and of a message for later.
func TestMembersOfTransactionalMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{NoRateLimits: true})
		c := &client{t, s, "https://api.customer.io", s.Transport()}
		now := time.Now().Unix()
		at := func(days int64) string { return fmt.Sprint(now + days*24*60*60) }
		const who = `"transactional_message_id":3,"identifiers":{"id":"7"},`
		for _, x := range []struct {
			channel, body string
			status        int
			answer        string // what it has
		}{
			{"email", who + `"to":"a@b.c","auto_create":true,"headers":"[{\"name\":\"X-A\",\"value\":\"b\"}]"`, 200, ""},
			{"email", who + `"to":"a@b.c","headers":{"X-A":7}`, 400, "'headers' must be"},
			{"email", who + `"to":"a@b.c","headers":"X-A: b"`, 400, "'headers' must be"},
			{"email", who + `"to":"a@b.c","tracked":"yes"`, 400, "'tracked' must be a boolean"},
			{"email", who + `"to":"a@b.c","queue_draft":true`, 200, ""},
			{"push", who + `"send_at":` + at(90), 200, `"send_at":` + at(90)},
			{"push", who + `"send_at":` + at(91), 400, "more than 90 days"},
			{"push", who + `"send_at":` + at(-1), 200, ""},
			{"push", who + `"custom_device":{"token":"t"}`, 400, "'custom_device' must have"},
			{"push", who + `"custom_data":"x"`, 400, "'custom_data' must be an object"},
			{"sms", who + `"to":"12345"`, 400, "E.164"},
			{"whatsapp", who + `"to":"{{customer.phone}}"`, 200, ""},
			{"in_app", who + `"message_data":[]`, 400, "'message_data' must be an object"},
		} {
			r := c.app("POST", "/v1/send/"+x.channel, "{"+strings.TrimSuffix(x.body, ",")+"}")
			if r.status != x.status || !strings.Contains(r.body, x.answer) ||
				strings.Contains(r.body, "send_at") && x.answer == "" {
				t.Errorf("%s %s: %d %s", x.channel, x.body, r.status, r.body)
			}
		}
		draft := s.Deliveries()[1]
		if !draft.Draft || draft.Metrics["drafted"] == 0 || draft.Metrics["sent"] != 0 {
			t.Errorf("%+v", draft)
		}
	})
}

// A suppressed person gets nothing, and the answer does not tell.
func TestMessageToSuppressedPerson(t *testing.T) {
	c := start(t, Options{})
	c.do("POST", "/api/v1/customers/7/suppress", "")
	c.wants("POST", "/v1/send/sms", `{"transactional_message_id":3,"identifiers":{"id":"7"}}`, 200,
		`{"delivery_id":"dl00000001","queued_at":T}`)
	if r := c.last(); r.Ignored != "suppressed" || r.Applied || c.s.Deliveries()[0].Metrics["sent"] != 0 {
		t.Errorf("%+v %+v", r, c.s.Deliveries())
	}
}

func TestFaultsOfTheAppAPI(t *testing.T) {
	c := start(t, Options{})
	const send, body = "/v1/send/sms", `{"transactional_message_id":3,"identifiers":{"id":"7"}}`
	for spec, want := range map[string]string{ // what the client sees, and how many messages there are
		"status=503":         "503 0",
		"status=503,applied": "503 1",
		"reset,applied":      "EOF 1",
		"refuse=invalid":     "400 0",
		"person=id:8":        "200 1",
	} {
		c.s.Reset()
		f, err := ParseFault(strings.Replace(spec, "person=id:8", "status=503,person=id:8", 1))
		if err != nil {
			t.Fatal(err)
		}
		c.s.AddFault(f)
		got := "EOF"
		r, err := c.try("POST", send, body, func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+DefaultAppKey)
		})
		if err == nil {
			got = fmt.Sprint(r.status)
		}
		if got += fmt.Sprint(" ", len(c.s.Deliveries())); got != want {
			t.Errorf("%s: %s, want %s", spec, got, want)
		}
	}
}

func TestBroadcasts(t *testing.T) {
	c := start(t, Options{NoRateLimits: true})
	for id := range 3 {
		c.do("PUT", fmt.Sprint("/api/v1/customers/", id), fmt.Sprintf(`{"email":"%d@example.com"}`, id))
	}
	const path = "/v1/campaigns/8/triggers"
	for n, x := range []struct {
		body string
		sent int
	}{
		{`{"data":{"a":1},"ids":["0","1"]}`, 2},
		{`{"ids":["0","nobody"]}`, 0},
		{`{"ids":["0","nobody"],"id_ignore_missing":true}`, 1},
		{`{"emails":["0@example.com","0@example.com"]}`, 1},
		{`{"emails":["0@example.com","0@example.com"],"email_add_duplicates":true}`, 2},
		{`{"per_user_data":[{"id":"0","data":{"x":1}},{"email":"1@example.com"}]}`, 2},
		{`{"recipients":{"attribute":{"field":"email","operator":"exists"}}}`, 3},
		{`{"data":{}}`, 0},
	} {
		before := len(c.s.Deliveries())
		c.wants("POST", path, x.body, 200, fmt.Sprintf(`{"id":%d}`, n+1))
		if got := len(c.s.Deliveries()) - before; got != x.sent {
			t.Errorf("%s: %d messages, want %d", x.body, got, x.sent)
		}
	}
	c.wants("GET", path+"/2", "", 200, `{"broadcast_id":8,"created_at":T,"id":2,"processed_at":T}`)
	c.wants("GET", path+"/2/errors", "", 200, `{"errors":["line 2: no person with this id"],"next":0}`)
	c.wants("GET", "/v1/campaigns/9/triggers/1", "", 404,
		`{"errors":[{"detail":"not found (reference emulator)","status":"404"}]}`)
	for body, want := range map[string]string{
		`{"recipients":{}}`:                                    "empty recipients filter is not valid",
		`{"ids":["1"],"emails":["a@b.c"]}`:                     "only one of recipients, ids, emails, per_user_data and data_file_url can be given",
		`{"ids":["1"],"email_ignore_missing":true}`:            "email_ignore_missing does not go with this audience",
		`{"data":[]}`:                                          "data must be an object",
		`{"data":{"x":"` + strings.Repeat("x", 50_000) + `"}}`: "data cannot be longer than 50000 bytes",
	} {
		c.wants("POST", path, body, 422, `{"errors":[{"detail":"`+want+`","status":"422"}]}`)
	}
	if r := c.app("POST", "/v1/api/campaigns/8/triggers", `{"ids":["0"]}`); r.status != 200 || c.last().API != "beta" {
		t.Errorf("by the older path: %d %s %+v", r.status, r.body, c.last())
	}
}

// The App API takes 10 requests in a second, 100 transactional messages, and a broadcast in 10 seconds.
func TestRatesOfTheAppAPI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		c := &client{t, s, "https://api.customer.io", s.Transport()}
		count := func(requests int, method, path, body string) (taken int, after string) {
			for range requests {
				switch r := c.app(method, path, body); r.status {
				case 200:
					taken++
				case 429:
					after = r.header.Get("Retry-After")
				default:
					t.Fatal(r.status, r.body)
				}
			}
			return taken, after
		}
		for _, x := range []struct {
			requests           int
			method, path, body string
			taken              int
			after              string
			window             time.Duration
		}{
			{15, "GET", "/v1/segments", "", 10, "1", time.Second},
			{105, "POST", "/v1/send/sms", `{"transactional_message_id":3,"identifiers":{"id":"7"}}`, 100, "1", time.Second},
			{3, "POST", "/v1/campaigns/8/triggers", `{}`, 1, "10", 10 * time.Second},
		} {
			for range 2 {
				taken, after := count(x.requests, x.method, x.path, x.body)
				if taken != x.taken || after != x.after {
					t.Errorf("%s: %d of %d, and then after %q", x.path, taken, x.requests, after)
				}
				time.Sleep(x.window)
			}
		}
		for range 2 { // a quota of a day does not tell when it ends
			taken, after := count(101, "GET", "/v1/messages/dl00000001/archived_message", "")
			if taken != 100 || after != "" {
				t.Errorf("%d archived messages, and then after %q", taken, after)
			}
			time.Sleep(24 * time.Hour)
		}
		r := c.app("GET", "/v1/messages/dl00000001/archived_message", "")
		if r.header.Get("X-RateLimit-Limit") != "100" || r.header.Get("X-RateLimit-Remaining") != "99" {
			t.Error(r.header)
		}
		if sent := len(s.Deliveries()); sent != 200 {
			t.Errorf("%d messages, want 200", sent)
		}
	})
}

func TestKeysOfTheAppAPI(t *testing.T) {
	c := start(t, Options{Region: "eu", NoRateLimits: true})
	for key, status := range map[string]int{
		"Bearer " + DefaultAppKey: 200, "Bearer x": 401, "": 401, "Bearer " + DefaultAPIKey: 401, DefaultAppKey: 401,
	} {
		if r := c.do("GET", "/v1/segments", "", func(r *http.Request) {
			r.Header.Set("Authorization", key)
		}); r.status != status {
			t.Errorf("%q: %d, want %d", key, r.status, status)
		}
	}
	r := c.do("GET", "/v1/segments?limit=1", "", func(r *http.Request) { r.Host = "api.customer.io" })
	if r.status != 301 || r.header.Get("Location") != "https://api-eu.customer.io/v1/segments?limit=1" ||
		r.body != `{"errors":[{"detail":"wrong datacenter","status":"301"}]}`+"\n" {
		t.Errorf("the host of the other region: %d %s %s", r.status, r.header.Get("Location"), r.body)
	}
	c.do("PUT", "/_emulator/credentials", `{"app_key":"rotated"}`)
	if r := c.app("GET", "/v1/segments", ""); r.status != 401 {
		t.Errorf("the key before: %d", r.status)
	}
}

func TestSegmentsOfTheAppAPI(t *testing.T) {
	c := start(t, Options{NoRateLimits: true})
	const segment = `{"created_at":T,"deduplicate_id":"1:T","description":"d","id":1,"name":"VIP","progress":null,` +
		`"state":"finished","tags":null,"type":"manual","updated_at":T}`
	c.wants("GET", "/v1/segments", "", 200, `{"segments":[]}`)
	c.wants("POST", "/v1/segments", `{"segment":{"name":"VIP","description":"d"}}`, 200, `{"segment":`+segment+`}`)
	c.wants("POST", "/v1/segments", `{"segment":{"name":" "}}`, 400,
		`{"errors":[{"detail":"segment.name is required","status":"400"}]}`)
	c.do("PUT", "/api/v1/customers/7", `{}`)
	c.do("POST", "/api/v1/segments/1/add_customers", `{"ids":["7"]}`)
	c.wants("GET", "/v1/segments/1/customer_count", "", 200, `{"count":1}`)
	c.wants("GET", "/v1/segments/1/membership", "", 200,
		`{"identifiers":[{"cio_id":"em000001","email":null,"id":"7"}],"ids":["7"],"next":""}`)
	c.wants("GET", "/v1/customers/7/segments", "", 200, `{"segments":[`+segment+`]}`)
	c.wants("GET", "/v1/segments/1/used_by", "", 200,
		`{"used_by":{"campaigns":[],"draft_newsletters":[],"sent_newsletters":[]}}`)
	c.wants("DELETE", "/v1/segments/1", "", 204, ``)
	c.wants("GET", "/v1/segments/1", "", 404,
		`{"errors":[{"detail":"not found (reference emulator)","status":"404"}]}`)
	c.do("POST", "/api/v1/segments/1/add_customers", `{"ids":["7"]}`)
	if c.last().Ignored != "unknown_segment" || len(c.s.People()[0].Segments) != 0 {
		t.Errorf("a segment that was deleted took somebody: %+v", c.last())
	}
}

func TestExportsHoldWhatTheySay(t *testing.T) {
	c := start(t, Options{NoRateLimits: true})
	c.wants("GET", "/v1/exports", "", 200, `{"exports":null}`)
	c.do("PUT", "/api/v1/customers/7", `{"email":"a@example.com","note":"x, \"y\""}`)
	c.do("PUT", "/api/v1/customers/8", `{"plan":"free"}`)
	c.app("POST", "/v1/send/email", `{"transactional_message_id":3,"to":"a@example.com","identifiers":{"id":"7"}}`)
	c.wants("POST", "/v1/exports/customers", `{"filters":{"attribute":{"field":"id","operator":"exists"}}}`, 200,
		`{"export":{"created_at":T,"deduplicate_id":"1:T","description":"people","downloads":0,"failed":false,"id":1,`+
			`"status":"done","tags":null,"total":2,"type":"customers","updated_at":T,"user_email":"","user_id":1}}`)
	c.wants("GET", "/v1/exports/1/download", "", 200, `{"url":"`+c.url+`/_emulator/exports/1.csv?expires=T"}`)
	if r := c.do("GET", "/_emulator/exports/1.csv", ""); r.body != "id,email,cio_id,note,plan\n"+
		"7,a@example.com,em000001,\"x, \"\"y\"\"\",\n8,,em000002,,free\n" {
		t.Errorf("%d %q", r.status, r.body)
	}
	c.app("POST", "/v1/exports/deliveries", `{"transactional_message_id":3,"metric":"sent"}`)
	if r := c.do("GET", "/_emulator/exports/2.csv", ""); strings.Count(r.body, "\n") != 2 ||
		!strings.Contains(r.body, "\ndl00000001,7,a@example.com,,") {
		t.Errorf("%d %q", r.status, r.body)
	}
	c.wants("POST", "/v1/exports/deliveries", `{}`, 400, `{"errors":[{"detail":"exactly one of newsletter_id, `+
		`campaign_id, transactional_message_id and action_id is required","status":"400"}]}`)
	c.do("POST", "/_emulator/deliveries", `{"source":"campaign:7/2","to":["id:7"],"at":1700000000}`)
	for n, body := range []string{ // in the time that is asked for, and otherwise within six months
		`{"action_id":2,"start":1700000000,"end":1700000000}`, `{"campaign_id":7,"start":1700000001}`,
		`{"campaign_id":7}`, `{"campaign_id":7,"start":1699999999,"end":1700000001,"drafts":true}`,
	} {
		c.app("POST", "/v1/exports/deliveries", body)
		r := c.do("GET", fmt.Sprintf("/_emulator/exports/%d.csv", n+3), "")
		if found := strings.Count(r.body, "\ndl"); found != map[int]int{0: 1}[n] {
			t.Errorf("%s: %d deliveries", body, found)
		}
	}
	c.wants("POST", "/v1/exports/deliveries", `{"campaign_id":7,"start":"yesterday"}`, 400,
		`{"errors":[{"detail":"start must be unix seconds","status":"400"}]}`)
	c.wants("GET", "/v1/exports/9/download", "", 404,
		`{"errors":[{"detail":"not found (reference emulator)","status":"404"}]}`)
	if r := c.do("GET", "/_emulator/exports/9.csv", ""); r.status != 404 {
		t.Error(r.status)
	}
}

// Metrics count what was sent and reported, in steps that end with the present one.
func TestMetricsOfTheAppAPI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{NoRateLimits: true})
		c := &client{t, s, "https://api.customer.io", s.Transport()}
		const message = `{"transactional_message_id":3,"to":"a@b.c","identifiers":{"id":"7"}}`
		c.app("POST", "/v1/send/email", message)
		time.Sleep(time.Hour)
		c.app("POST", "/v1/send/email", message)
		c.app("POST", "/v1/send/sms", `{"transactional_message_id":4,"identifiers":{"id":"7"}}`)
		c.url = "https://track.customer.io"
		for _, href := range []string{"https://a.b/1", "https://a.b/1", "https://a.b/2"} {
			c.do("POST", "/api/v1/metrics", `{"delivery_id":"dl00000002","metric":"clicked","href":"`+href+`"}`)
		}
		c.url = "https://api.customer.io"
		r := c.app("GET", "/v1/transactional/3/metrics?period=hours&steps=3", "")
		if !strings.Contains(r.body, `"sent":[0,1,1]`) || !strings.Contains(r.body, `"clicked":[0,0,1]`) {
			t.Error(r.body)
		}
		if r = c.app("GET", "/v1/transactional/3/metrics?period=hours&steps=1&type=push", ""); !strings.Contains(r.body,
			`"sent":[0,0]`) {
			t.Error(r.body)
		}
		c.wants("GET", "/v1/transactional/3/metrics/links?period=hours&steps=2", "", 200,
			`{"links":[{"link":{"href":"https://a.b/1","id":1},"metric":{"series":{"clicked":[0,2],"human_clicked":[0,2],"machine_clicked":[0,0]}}},`+
				`{"link":{"href":"https://a.b/2","id":2},"metric":{"series":{"clicked":[0,1],"human_clicked":[0,1],"machine_clicked":[0,0]}}}]}`)
		c.wants("GET", "/v1/transactional/3/metrics/links?period=hours&steps=2&unique=true", "", 200,
			`{"links":[{"link":{"href":"https://a.b/1","id":1},"metric":{"series":{"clicked":[0,1],"human_clicked":[0,1],"machine_clicked":[0,0]}}},`+
				`{"link":{"href":"https://a.b/2","id":2},"metric":{"series":{"clicked":[0,1],"human_clicked":[0,1],"machine_clicked":[0,0]}}}]}`)
		for query, status := range map[string]int{
			"period=years": 400, "steps=x": 400, "version=2": 400, "version=2&res=hourly&start=1&end=7201": 200,
			"version=2&res=days&start=1&end=400000000": 400,
		} {
			if r := c.app("GET", "/v1/campaigns/1/metrics?"+query, ""); r.status != status {
				t.Errorf("%s: %d %s", query, r.status, r.body)
			}
		}
	})
}

// What the official client for Go sends to App, by its source: null for what was not given, a segment in place of a
// filter, and the fields of a segment that the caller left empty.
func TestWhatTheGoClientSendsToApp(t *testing.T) {
	c := start(t, Options{NoRateLimits: true})
	c.do("PUT", "/api/v1/customers/7", `{}`)
	for _, x := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/v1/segments", `{"segment":{"id":0,"deduplicate_id":"","name":"n","description":"","state":"","type":""}}`, 200},
		{"GET", "/v1/segments/1/used_by", "null", 200},
		{"POST", "/v1/campaigns/8/triggers", `{"data":null,"recipients":{"segment":{"id":1}}}`, 200},
		{"POST", "/v1/campaigns/8/triggers", `{"data":null,"ids":["7"],"id_ignore_missing":true}`, 200},
		{"POST", "/v1/campaigns/8/triggers", `{"data":{},"recipients":{}}`, 422},
		{"POST", "/v1/send/email", `{"transactional_message_id":"3","identifiers":{"id":"7"},"to":"a@b.c","body_plaintext":"b"}`, 200},
		{"POST", "/v1/send/push", `{"transactional_message_id":"3","identifiers":{"id":"7"},"custom_data":{"a":"b"},` +
			`"custom_device":{"token":"t","platform":"ios","last_used":1700000000,"attributes":null}}`, 200},
		{"POST", "/v1/send/in_app", `{"transactional_message_id":"3","identifiers":null}`, 400},
		{"DELETE", "/v1/segments/1", "null", 204},
	} {
		if r := c.app(x.method, x.path, x.body); r.status != x.status {
			t.Errorf("%s %s %s: %d %s, want %d", x.method, x.path, x.body, r.status, r.body, x.status)
		}
	}
}
