package mapping_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/pipeline"
)

// What a limit lets pass, as a test asks for it with so much of what is limited.
type fit uint8

const (
	whole   fit = iota // it goes as it is
	alone              // as a request of its own
	refused            // not at all
)

// mapped asks what becomes of an event, where what does not fit is a dead letter.
func mapped(action string, value func(n int) string) func(t *testing.T, n int) fit {
	return func(t *testing.T, n int) fit {
		t.Helper()
		rules := compileWith(t, mapping.Config{OnInvalid: mapping.DeadLetter, Allow: customerio.DestructiveActions()},
			inRule(action))
		calls, failures := rules.Map(new(message(value(n))))
		switch {
		case len(calls) == 0 && len(failures) == 1:
			if r := failures[0].Reason; r != event.ReasonTooLarge && r != event.ReasonInvalidValue {
				t.Errorf("the reason is %s: %s", r, failures[0].Detail)
			}
			return refused
		case len(calls) != 1 || len(failures) > 0:
			t.Fatalf("%d calls, %v", len(calls), failures)
		case calls[0].Single != nil:
			return alone
		}
		return whole
	}
}

// text is an event with a text of so many characters in v.
func text(of string) func(int) string {
	return func(n int) string { return `{"type":"e","v":"` + strings.Repeat(of, n) + `"}` }
}

// configured asks whether the configuration takes so much.
func configured(set func(c *pipeline.Config, n int)) func(*testing.T, int) fit {
	return func(_ *testing.T, n int) fit {
		c := pipeline.DefaultConfig(pipeline.Limits{Calls: customerio.MaxBatchItems, Bytes: customerio.MaxBatchBytes,
			Envelope: customerio.BatchEnvelope})
		if set(&c, n); c.Validate() != nil {
			return refused
		}
		return whole
	}
}

// taken asks the emulator whether so many people may be put into a segment at once.
func taken(t *testing.T, n int) fit {
	t.Helper()
	body := `{"ids":["x"` + strings.Repeat(`,"x"`, n-1) + `]}`
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost,
		"http://localhost/api/v1/segments/3/add_customers", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.SetBasicAuth(emulator.DefaultSiteID, emulator.DefaultAPIKey)
	w := httptest.NewRecorder()
	emulator.New(emulator.Options{}).ServeHTTP(w, r)
	switch w.Code {
	case http.StatusOK:
		return whole
	case http.StatusBadRequest:
		return refused
	}
	t.Fatalf("status %d: %s", w.Code, w.Body)
	return whole
}

// A walk asks what becomes of so much, and says what becomes of more than the limit.
type walk struct {
	name   string
	at     func(*testing.T, int) fit
	beyond fit
}

// asked are walks of actions, of what is refused beyond the limit.
func asked(value func(int) string, actions ...string) (out []walk) {
	for _, action := range actions {
		out = append(out, walk{action, mapped(action, value), refused})
	}
	return out
}

// filled is an event that makes the body of an action's call so many bytes long.
func filled(t *testing.T, action string) func(int) string {
	t.Helper()
	rules := compileWith(t, mapping.Config{Allow: customerio.DestructiveActions()}, inRule(action))
	calls, failures := rules.Map(new(message(text("x")(1))))
	if len(calls) != 1 {
		t.Fatalf("%s: %v", action, failures)
	}
	return func(n int) string { return text("x")(n + 1 - len(calls[0].Body)) }
}

// soManyMembers is an event with an object of so many members in o.
func soManyMembers(n int) string {
	object := map[string]int{}
	for i := range n {
		object[fmt.Sprintf("a%d", i)] = i
	}
	b, _ := json.Marshal(object)
	return `{"type":"e","v":"p","o":` + string(b) + `}`
}

// walks are how each limit of the table is tried.
func walks(t *testing.T) map[string][]walk {
	named := func(n int) string { return `{"type":"e","o":{"` + strings.Repeat("x", n) + `":1}}` }
	address := func(n int) string { return `{"type":"e","v":"` + strings.Repeat("x", n-4) + `@b.c"}` }
	data := func(n int) string { return text("x")(n - len(`{"v":""}`)) }
	invited := func(n int) string { return text("x")(n - len(`{"recipient":"a@b.c","v":""}`)) }
	of := func(action string) []walk { return asked(filled(t, action), action) }
	raw := func(api, path string) []walk {
		return of(fmt.Sprintf("request: {api: %s, method: POST, path: %s, body: {v: .v}}", api, path))
	}
	const (
		trackData = `track: {person: '="p"', name: n1, data: {v: .v}}`
		invite    = `invite: {recipient: '="a@b.c"', name: n1, data: {v: .v}}`
		seen      = `viewed_content: {person: '="p"', data: {v: .v}}`
		toOthers  = `add_relationships: {person: '="p"', relationships: {object: {type: 1, id: a}, attributes: `
		toOne     = `add_object_relationships: {object: {type: 1, id: a}, relationships: {person: '="p"', attributes: `
	)
	return map[string][]walk{
		"id of a person": asked(text("x"), `track: {person: .v, name: n1}`, `identify: {person: .v}`,
			`merge: {primary: .v, secondary: '="p"'}`, `merge: {primary: '="p"', secondary: .v}`,
			`add_to_segment: {person: .v, segment: 7}`, `submit_form: {form: f, person: .v}`, `suppress: {person: .v}`,
			`add_device: {person: .v, token: t, platform: ios}`, seen[:len("viewed_content: {person: ")]+`.v}`,
			`add_object_relationships: {object: {type: 1, id: a}, relationships: {person: .v}}`,
			`track: {person: {anonymous_id: .v}, name: n1}`),
		"e-mail address of a person": asked(address, `track: {person: {email: .v}, name: n1}`,
			`invite: {recipient: .v, name: n1}`, `merge: {primary: {email: .v}, secondary: '="p"'}`,
			`remove_from_segment: {person: {email: .v}, segment: 7}`, `submit_form: {form: f, person: {email: .v}}`),
		"id of an object": asked(text("x"), `identify_object: {object: {type: 1, id: .v}}`,
			`delete_object: {object: {type: 1, id: .v}}`, `identify_object: {object: {cio_object_id: .v}}`,
			`add_relationships: {person: '="p"', relationships: {object: {type: 1, id: .v}}}`),
		"id of a form": asked(text("x"), `submit_form: {form: .v, person: '="p"'}`),
		"name of an attribute": asked(named, `identify: {person: '="p"', attributes: [.o]}`,
			`identify_object: {object: {type: 1, id: a}, attributes: [.o]}`, toOthers+`[.o]}}`, toOne+`[.o]}}`),
		"value of an attribute": asked(text("x"), `identify: {person: '="p"', attributes: {a: .v}}`,
			`identify_object: {object: {type: 1, id: a}, attributes: {a: .v}}`, toOthers+`{a: .v}}}`,
			toOne+`{a: .v}}}`),
		"attributes in one call": asked(soManyMembers, `identify: {person: '="p"', attributes: [.o]}`,
			`identify_object: {object: {type: 1, id: a}, attributes: [.o]}`),
		"attributes of one relationship": asked(soManyMembers, toOthers+`[.o]}}`, toOne+`[.o]}}`),
		"name of an event": asked(text("x"), `track: {person: '="p"', name: .v}`,
			`invite: {recipient: '="a@b.c"', name: .v}`),
		"name of a page or screen": asked(text("ä"), `pageview: {person: '="p"', name: .v}`,
			`screen: {person: '="p"', name: .v}`),
		"item of a batch": append(of(seen), walk{trackData, mapped(trackData, filled(t, trackData)), alone},
			of(`add_device: {person: '="p"', token: .v, platform: ios}`)[0],
			of(`push_metric: {delivery: .v, metric: opened, device_token: t}`)[0]),
		"data of an event that goes alone": append(asked(data, trackData,
			`pageview: {person: '="p"', name: n1, data: {v: .v}}`), asked(invited, invite)...),
		"body of a batch": {{"batch_bytes", configured(func(c *pipeline.Config, n int) { c.BatchBytes = n }),
			refused}},
		"items of a batch": {{"batch_items", configured(func(c *pipeline.Config, n int) { c.BatchItems = n }),
			refused}},
		"people in one call of a segment":      {{"the emulator", taken, refused}},
		"request to Pipelines":                 raw("pipelines", "/track"),
		"item of a batch to Pipelines":         items("pipelines", "/batch"),
		"batch to Pipelines":                   large("pipelines", "/batch", 2),
		"request to /api/v2/entity":            raw("track", "/v2/entity"),
		"item of a request to /api/v2/batch":   items("track", "/v2/batch"),
		"request to /api/v2/batch":             large("track", "/v2/batch", 2),
		"any other request that a rule writes": large("app", "/x", 14),
		"path and query of a request": asked(func(n int) string { return text("x")(n - len("/api/v1/x?v=")) },
			`request: {api: track, method: POST, path: /x, query: {v: .v}}`),
	}
}

// items are walks of the first item of a batch in a request of one's own.
func items(api, path string) []walk {
	action := fmt.Sprintf("request: {api: %s, method: POST, path: %s, body: {batch: ['= {v: .v}', '= {w: .v}']}}",
		api, path)
	return asked(func(n int) string { return text("x")(n - len(`{"v":""}`)) }, action)
}

// large are walks of a body that one expression alone cannot give: of so many texts of 200000 bytes, and the rest.
func large(api, path string, texts int) []walk {
	const size = 200_000
	action := fmt.Sprintf("request: {api: %s, method: POST, path: %s, body: [.w%s]}", api, path,
		strings.Repeat(", .v", texts))
	around := len(`[""]`) + texts*(len(`,""`)+size)
	return asked(func(n int) string {
		return `{"type":"e","v":"` + strings.Repeat("x", size) + `","w":"` + strings.Repeat("x", n-around) + `"}`
	}, action)
}

// walksOfMessages are those to the limits of messages and broadcasts.
func walksOfMessages(t *testing.T) map[string][]walk {
	const bodied = `send_email: {person: '="p"', to: a@b.c, from: f@b.c, subject: s, body: .v, attachments: {a.b: aGk=}}`
	bodyOf := func(n int) string {
		calls, _ := compileText(t, inRule(bodied)).Map(new(message(text("x")(1))))
		return text("x")(n - len(calls[0].Body) + 1 + len("aGk="))
	}
	files := func(n int) string { // v four times, and w once
		v := 450_000
		return fmt.Sprintf(`{"type":"e","v":%q,"w":%q}`, encoded(v), encoded(n-4*v))
	}
	list := func(element string) func(int) string {
		return func(n int) string { return `{"type":"e","v":[` + strings.Repeat(element+",", n-1) + element + `]}` }
	}
	return map[string][]walk{
		"message without its attachments": {{"over App", mapped(bodied, bodyOf), refused}},
		"attachments of a message, before they are encoded": {{"over App", mapped(`send_email: {person: '="p"', to: a@b.c, `+
			`transactional_message_id: 1, attachments: {a.b: .v, b.b: .v, c.b: .v, d.b: .v, e.b: .w}}`, files), refused}},
		"recipients of an e-mail: to, cc and bcc together": {{"over App", mapped(`send_email: {person: '="p"', to: a@b.c, `+
			`transactional_message_id: 1, cc: "b@b.c, c@b.c", bcc: .v}`, func(n int) string {
			return list(`"x@y.z"`)(n - 3)
		}), refused}},
		"trigger of a broadcast": {{"trigger_broadcast", triggered, refused}},
		"data of a broadcast": {{"over App", mapped(`trigger_broadcast: {broadcast: 8, data: {v: .v}}`, func(n int) string {
			return text("x")(n - len(`{"v":""}`))
		}), refused}},
		"people whom a trigger names": {{"over App", mapped(`trigger_broadcast: {broadcast: 8, ids: .v}`, list(`"x"`)), refused}},
	}
}

func encoded(n int) string { return base64.StdEncoding.EncodeToString(make([]byte, n)) }

// triggered asks the table: no event is that long, and how the size of a request is looked at the walk to that of a
// message shows.
func triggered(_ *testing.T, n int) fit {
	if n > customerio.TriggerBroadcast.Operation().MaxBytes() {
		return refused
	}
	return alone
}

// TestLimits walks every limit of the table at the byte, in every action that has it: as much as it says passes, and
// one more does not.
func TestLimits(t *testing.T) {
	known := walks(t)
	maps.Copy(known, walksOfMessages(t))
	for _, l := range customerio.Limits() {
		if len(known[l.Of]) == 0 {
			t.Errorf("%s: nothing walks this limit", l.Of)
		}
		for _, w := range known[l.Of] {
			if got := w.at(t, l.Most); got == w.beyond {
				t.Errorf("%s: %s: %d %s do not pass", l.Of, w.name, l.Most, l.Unit)
			}
			if got := w.at(t, l.Most+1); got != w.beyond {
				t.Errorf("%s: %s: %d %s: %d, want %d", l.Of, w.name, l.Most+1, l.Unit, got, w.beyond)
			}
		}
		delete(known, l.Of)
	}
	for of := range known {
		t.Errorf("%s: the table has no such limit", of)
	}
}

// TestLimitsOfRequestsOfOnesOwn walks those that no operation has: at the byte, and with what a header cannot hold.
func TestLimitsOfRequestsOfOnesOwn(t *testing.T) {
	for at, most := range map[string]int{
		"method: GET, path: '/x/{.v}'":                                                   8000 - len("/v1/x/"),
		"method: GET, path: /x, query: {v: .v}":                                          8000 - len("/v1/x?v="),
		"method: GET, path: /x, headers: {X-Request-Id: .v}":                             1000,
		"method: POST, path: /x, body: {twelve: [" + strings.Repeat(".v, ", 11) + ".v]}": 3_000_000/12 - 4,
	} {
		rules := compileWith(t, mapping.Config{Allow: []string{"request"}}, inRule("request: {api: app, "+at+"}"))
		if calls, failures := rules.Map(new(message(text("x")(most)))); len(calls) != 1 || len(failures) != 0 {
			t.Errorf("%s: %d bytes do not pass: %v", at, most, failures)
		}
		values := []string{text("x")(most + 1)}
		if strings.Contains(at, "X-Request-Id") {
			values = append(values, text(`\r\nHost: evil.example`)(1), text("é")(1), text(`\u0000`)(1))
		}
		for _, value := range values {
			if calls, failures := rules.Map(new(message(value))); len(calls) != 0 || len(failures) != 1 {
				t.Errorf("%s: %.40q passes", at, value)
			}
		}
	}
}

// The documents show the table as it is.
func TestTheDocumentsShowTheLimits(t *testing.T) {
	var table strings.Builder
	table.WriteString("| what | at most | beyond | says | read on |\n|---|---|---|---|---|\n")
	for _, l := range customerio.Limits() {
		fmt.Fprintf(&table, "| %s | %d %s | %s | %s | %s |\n", l.Of, l.Most, l.Unit, l.Beyond, l.Source, l.Seen)
	}
	text, err := os.ReadFile("../docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), table.String()) {
		t.Errorf("docs/limits.md has another table; want\n%s", table.String())
	}
}
