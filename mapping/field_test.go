package mapping_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/event"
)

func TestAttributes(t *testing.T) {
	long := strings.Repeat("x", 1000)
	for _, c := range []struct {
		name, value string
		want        string // the attributes, or the reason
	}{
		{"plan", `"pro"`, `{"plan":"pro"}`},
		{"plan", `null`, `{}`},
		{"plan", `""`, `{}`}, // Customer.io would erase the attribute
		{"plan", `" "`, `{"plan":" "}`},
		{"plan", `0.10`, `{"plan":0.10}`},
		{"plan", `12345678901234567890`, `{"plan":12345678901234567890}`},
		{"plan", `{"a": [1, "<&>"]}`, `{"plan":{"a": [1, "<&>"]}}`},
		{"plan", `"` + long + `"`, `{"plan":"` + long + `"}`},
		{"plan", `"` + long + `x"`, "too_large"},
		{"plan", `"\u0061` + long[1:] + `"`, `{"plan":"\u0061` + long[1:] + `"}`}, // 1000 bytes of text, more of JSON
		{"plan", `["` + long + `"]`, "too_large"},
		{"email", `"Ada@Example.com"`, `{"email":"Ada@Example.com"}`},
		{"email", `""`, `{}`},
		{"email", `"ada"`, "invalid_value"},
		{"id", `7`, `{"id":"7"}`},
		{"id", `7.0`, "invalid_value"},
		{"anonymous_id", `true`, "invalid_value"},
		{"phone", `"+15551234567"`, `{"phone":"+15551234567"}`},
		{"phone", `15551234567`, "invalid_value"},
		{"created_at", `1793527200`, `{"created_at":1793527200}`},
		{"created_at", `1793527200123`, `{"created_at":1793527200}`},
		{"created_at", `"2026-13-01T10:00:00Z"`, "invalid_value"},
		{"created_at", `"0001-01-01T00:00:00Z"`, `{}`},
		{"created_at", `"1969-12-30"`, `{"created_at":-172800}`},
		{"created_at", `"2026-11-01T10:00:00Z"`, `{"created_at":1793527200}`},
		{"created_at", `0`, `{}`},
		{"created_at", `1793527200.5`, `{"created_at":1793527200}`},
		{"unsubscribed", `true`, `{"unsubscribed":true}`},
		{"unsubscribed", `"True"`, `{"unsubscribed":"True"}`},
		{"unsubscribed", `0`, `{"unsubscribed":0}`},
		{"unsubscribed", `"yes"`, "invalid_value"},
		{"_update", `true`, `{"_update":true}`},
		{"_update", `2`, "invalid_value"},
		{"cio_subscription_preferences.topics.topic_1", `false`,
			`{"cio_subscription_preferences.topics.topic_1":false}`},
	} {
		action := fmt.Sprintf("identify: {person: .who, attributes: {%s: .v}}", c.name)
		r := compileText(t, inRule(action+"\n        on_invalid: dead_letter"))
		calls, failures := r.Map(new(message(`{"type":"e","who":"c_7","v":` + c.value + `}`)))
		var got string
		if len(failures) == 1 {
			got = string(failures[0].Reason)
			if failures[0].Field != "attributes."+c.name {
				t.Errorf("%s: field %q", c.name, failures[0].Field)
			}
		} else if len(calls) == 1 {
			_, got, _ = strings.Cut(strings.TrimSuffix(string(calls[0].Body), "}"), `"attributes":`)
		}
		if got != c.want {
			t.Errorf("%s: %.60s: got %.200s, want %.200s", c.name, c.value, got, c.want)
		}
	}
}

func TestEventDataIsSentAsItIs(t *testing.T) {
	r := compileText(t, inRule("track: {person: .who, name: a, data: {email: .a, empty: .b, recipient: .c, none: .d}}"))
	c := mapOne(t, r, message(`{"type":"e","who":1,"a":"not an address","b":"","c":"x@y.example","d":null}`))
	if want := `"attributes":{"email":"not an address","empty":"","recipient":"x@y.example"}}`; !strings.HasSuffix(
		string(c.Body), want) {
		t.Errorf("got %s, want %s", c.Body, want)
	}
}

// Customer.io lets some members of an event's data steer the message that it sends. They get there only where a rule
// names them: nothing of an event is passed on because it is there.
func TestAnEventDoesNotSteerItsMessage(t *testing.T) {
	r := compileText(t, inRule("track: {person: .who, name: a, data: {total: .data.total}}"))
	c := mapOne(t, r, message(`{"type":"e","who":1,"recipient":"x@y.example",`+
		`"data":{"total":1,"recipient":"x@y.example","from_address":"x@y.example","reply_to":"x@y.example"}}`))
	if want := `"attributes":{"total":1}}`; !strings.HasSuffix(string(c.Body), want) {
		t.Errorf("got %s, want %s", c.Body, want)
	}
}

// Nor do they get there as members of an object that is sent whole.
func TestAnObjectDoesNotSteerAMessage(t *testing.T) {
	const data = `"data":{"total":1,"re\u0063ipient":"x@y.example","from_address":"x@y.example","reply_to":"x@y.example"}}`
	for rule, want := range map[string]string{
		"data: .data":                                            `{"total":1}`,
		"data: [.data, {recipient: .ours}]":                      `{"recipient":"a@b.example","total":1}`,
		"data: [{recipient: .ours}, .data]":                      `{"total":1,"recipient":"a@b.example"}`,
		"data: .data, except: [recipient,from_address,reply_to]": `{"total":1}`,
		"data: .nested":                                          `{"of":{"recipient":"x"}}`,
	} {
		r := compileText(t, inRule("track: {person: .who, name: a, "+rule+"}"))
		m := message(`{"type":"e","who":1,"ours":"a@b.example","nested":{"of":{"recipient":"x"}},` + data)
		got := r.Explain(m)
		if len(got.Calls) != 1 || !strings.HasSuffix(string(got.Calls[0].Body), `"attributes":`+want+"}") {
			t.Errorf("%s: %+v, want %s", rule, got, want)
			continue
		}
		if told := len(got.Remarks) > 0; told != (rule == "data: .data" || strings.Contains(rule, "ours")) {
			t.Errorf("%s: %v", rule, got.Remarks)
		}
	}
}

func TestNames(t *testing.T) {
	for action, longest := range map[string]int{"track": 100, "pageview": 499, "screen": 499} {
		r := compileText(t, inRule(action+": {person: .who, name: .name}"))
		of := func(name string) event.Message {
			return message(fmt.Sprintf(`{"type":"e","who":1,"name":%s}`, name))
		}
		mapOne(t, r, of(`"`+strings.Repeat("x", longest)+`"`))
		for name, reason := range map[string]event.Reason{
			`"` + strings.Repeat("x", longest+1) + `"`: event.ReasonInvalidValue,
			`" \t"`: event.ReasonInvalidValue,
			`7`:     event.ReasonInvalidValue,
			`null`:  event.ReasonMissingField,
		} {
			if f := failOne(t, r, of(name)); f.Reason != reason || f.Field != "name" {
				t.Errorf("%s %.20s: %+v", action, name, f)
			}
		}
	}
}

// Details go to headers, logs of tests and screens: they name rules and types, never what the event holds.
func TestFailuresNeverQuoteTheEvent(t *testing.T) {
	r := compileText(t, `
rules:
  - name: r
    event: "*"
    require: [.missing]
    do: [{delete: {person: .a}}]
  - name: s
    event: "*"
    id: .a.c4n4ry
    do: [{delete: {person: .a}}]
  - name: t
    event: "*"
    do:
      - delete: {person: {email: .a}}
      - delete: {person: '= .a | tonumber'}
      - delete: {person: '= .a + {}'}
      - delete: {person: '= error(.a)'}
      - track: {person: '.b[0]', name: a}
      - identify: {person: .n, attributes: {created_at: .a, email: .a, unsubscribed: .a}}
      - track: {person: .n, name: .o}
      - track: {person: .n, name: a, data: {x: '= .a | fromjson', z: .a | unix}}
`)
	for _, value := range []string{
		`{"type":"c4n4ry","time":"c4n4ry","a":"c4n4ry","b":{"c4n4ry":1},"n":1,"o":{"c4n4ry":1}}`,
		`{"type":"c4n4ry","a":"c4n4ry","b":{"c4n4ry":1},"n":1,"o":{"c4n4ry":1}}`,
		`{"type":"c4n4ry","c4n4ry":1,"c4n4ry":2}`,
		`{"type":{"c4n4ry":1}}`,
		`c4n4ry`,
	} {
		_, failures := r.Map(new(message(value)))
		if len(failures) == 0 {
			t.Errorf("%s: nothing failed", value)
		}
		for _, f := range failures {
			if text := strings.ReplaceAll(f.Detail, ".a.c4n4ry", ""); strings.Contains(text, "c4n4ry") {
				t.Errorf("%s: %s", f.Field, f.Detail)
			}
		}
	}
}
