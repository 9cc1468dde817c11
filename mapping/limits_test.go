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
		rules := compileWith(t, mapping.Config{OnInvalid: mapping.DeadLetter,
			Allow: customerio.DestructiveActions()}, inRule(action))
		calls, failures := rules.Map(message(value(n)))
		switch {
		case len(calls) == 0 && len(failures) == 1:
			if r := failures[0].Reason; r != event.ReasonTooLarge && r != event.ReasonInvalidValue {
				t.Errorf("the reason is %s", r)
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

// walk asks how much passes, and what becomes of more.
type walk struct {
	at     func(*testing.T, int) fit
	beyond fit
}

// walksOfMessages are those to the limits of messages and broadcasts.
func walksOfMessages(t *testing.T) map[string]walk {
	const bodied = `send_email: {person: '="p"', to: a@b.c, from: f@b.c, subject: s, body: .v, attachments: {a.b: aGk=}}`
	bodyOf := func(n int) string {
		calls, _ := compileText(t, inRule(bodied)).Map(message(text("x")(1)))
		return text("x")(n - len(calls[0].Body) + 1 + len("aGk="))
	}
	files := func(n int) string { // v four times, and w once
		v := 450_000
		return fmt.Sprintf(`{"type":"e","v":%q,"w":%q}`, encoded(v), encoded(n-4*v))
	}
	list := func(element string) func(int) string {
		return func(n int) string { return `{"type":"e","v":[` + strings.Repeat(element+",", n-1) + element + `]}` }
	}
	return map[string]walk{
		"message without its attachments": {mapped(bodied, bodyOf), refused},
		"attachments of a message, before they are encoded": {mapped(`send_email: {person: '="p"', to: a@b.c, `+
			`transactional_message_id: 1, attachments: {a.b: .v, b.b: .v, c.b: .v, d.b: .v, e.b: .w}}`, files), refused},
		"recipients of an e-mail: to, cc and bcc together": {mapped(`send_email: {person: '="p"', to: a@b.c, `+
			`transactional_message_id: 1, cc: "b@b.c, c@b.c", bcc: .v}`, func(n int) string {
			return list(`"x@y.z"`)(n - 3)
		}), refused},
		"trigger of a broadcast": {triggered, refused},
		"data of a broadcast": {mapped(`trigger_broadcast: {broadcast: 8, data: {v: .v}}`, func(n int) string {
			return text("x")(n - len(`{"v":""}`))
		}), refused},
		"people whom a trigger names": {mapped(`trigger_broadcast: {broadcast: 8, ids: .v}`, list(`"x"`)), refused},
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

// TestLimits walks every limit of the table at the byte: as much as it says passes, and one more does not.
func TestLimits(t *testing.T) {
	const trackData = `track: {person: '="p"', name: n1, data: {v: .v}}`
	around := func(n int) string { // the body of such a call without the text
		calls, _ := compileText(t, inRule(trackData)).Map(message(text("x")(0)))
		return text("x")(n - len(calls[0].Body))
	}
	members := func(n int) string {
		object := map[string]int{}
		for i := range n {
			object[fmt.Sprintf("a%d", i)] = i
		}
		b, _ := json.Marshal(object)
		return `{"type":"e","o":` + string(b) + `}`
	}
	named := func(n int) string { return `{"type":"e","o":{"` + strings.Repeat("x", n) + `":1}}` }
	walks := map[string]walk{
		"id of a person":         {mapped(`track: {person: .v, name: n1}`, text("x")), refused},
		"id of an object":        {mapped(`delete_object: {object: {type: 1, id: .v}}`, text("x")), refused},
		"name of an attribute":   {mapped(`identify: {person: '="p"', attributes: [.o]}`, named), refused},
		"value of an attribute":  {mapped(`identify: {person: '="p"', attributes: {a: .v}}`, text("x")), refused},
		"attributes in one call": {mapped(`identify: {person: '="p"', attributes: [.o]}`, members), refused},
		"attributes of one relationship": {mapped(`add_relationships: {person: '="p"', relationships: {object: `+
			`{type: 1, id: o}, attributes: .o}}`, members), refused},
		"name of an event":         {mapped(`track: {person: '="p"', name: .v}`, text("x")), refused},
		"name of a page or screen": {mapped(`pageview: {person: '="p"', name: .v}`, text("ä")), refused},
		"item of a batch":          {mapped(trackData, around), alone},
		"data of an event that goes alone": {mapped(trackData, func(n int) string {
			return text("x")(n - len(`{"v":""}`))
		}), refused},
		"body of a batch":  {configured(func(c *pipeline.Config, n int) { c.BatchBytes = n }), refused},
		"items of a batch": {configured(func(c *pipeline.Config, n int) { c.BatchItems = n }), refused},

		"people in one call of a segment": {taken, refused},
	}
	maps.Copy(walks, walksOfMessages(t))
	for _, l := range customerio.Limits() {
		w, known := walks[l.Of]
		if !known {
			t.Errorf("%s: nothing walks this limit", l.Of)
			continue
		}
		if got := w.at(t, l.Most); got == w.beyond {
			t.Errorf("%s: %d %s do not pass", l.Of, l.Most, l.Unit)
		}
		if got := w.at(t, l.Most+1); got != w.beyond {
			t.Errorf("%s: %d %s: %d, want %d", l.Of, l.Most+1, l.Unit, got, w.beyond)
		}
	}
}

// Of an event that is always a request of its own the data is limited as that of one which is too large for a batch.
func TestDataOfAnInviteMayBeAsLongAsThatOfAnyEvent(t *testing.T) {
	rules := compileText(t, inRule(`invite: {recipient: '="a@b.c"', name: n1, data: {v: .v}}`))
	room := customerio.MaxEventDataBytes - len(`{"recipient":"a@b.c","v":""}`)
	for n, want := range map[int]int{room: 1, room + 1: 0} {
		if calls, failures := rules.Map(message(text("x")(n))); len(calls) != want || len(calls)+len(failures) != 1 {
			t.Errorf("%d bytes: %d calls, %v", n, len(calls), failures)
		}
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
		if calls, failures := rules.Map(message(text("x")(most))); len(calls) != 1 || len(failures) != 0 {
			t.Errorf("%s: %d bytes do not pass: %v", at, most, failures)
		}
		values := []string{text("x")(most + 1)}
		if strings.Contains(at, "X-Request-Id") {
			values = append(values, text(`\r\nHost: evil.example`)(1), text("é")(1), text(`\u0000`)(1))
		}
		for _, value := range values {
			if calls, failures := rules.Map(message(value)); len(calls) != 0 || len(failures) != 1 {
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
