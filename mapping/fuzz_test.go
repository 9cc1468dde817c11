package mapping_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
	"github.com/ciobridge/ciobridge/mapping/ruletest"
)

const fuzzRules = `
rules:
  - name: all
    event: "*"
    do:
      - identify: {person: [.data.id, {email: .data.email}, {phone: .data.phone}, {cio_id: .data.cio}],
          attributes: {email: .data.email, plan: .data.plan, created_at: .time, all: ., key: $message.key,
            h: $message.headers}, remove: [gone]}
      - track: {person: .data.id, name: .type, data: {all: ., plan: .data.plan // "none"}}
      - each: .data[]?
        pageview: {person: [.data.id, {anonymous_id: $item}], name: $item.url?,
            data: {item: $item, up: '= ($item | tostring | ascii_upcase)'}}
      - identify: {person: .data.id, attributes: [., .data, {plan: {value: .data.plan, erase: empty}}],
          except: [time], remove: [gone], timestamp: .time}
        erase: [null, empty]
        call: whole
      - track: {person: .data.id, name: whole, data: .data}
      - each: .data[]?
        track: {person: .id, name: item, data: [$message, $item], except: headers}
      - delete: {person: .data.id}
`

// FuzzMap proves that no bytes from a broker can panic the mapper, spoil a batch or get past a limit.
func FuzzMap(f *testing.F) {
	f.Add([]byte(orderEvent), []byte("key"), "content-type", []byte("application/json"), false)
	f.Add([]byte(`{"customer":"c_7"}`), []byte(nil), "ce_type", []byte("x"), true)
	f.Add([]byte(`{"a":1},"type":"x"`), []byte{0xff}, "ce_type", []byte("x\"y"), true)
	f.Add([]byte(`{"type":"\ud83d\ude00","time":1793527200,"data":{"id":"a\u0000","email":"A@b"}}`), []byte("k"),
		"Ce-Id", []byte("%41%"), false)
	f.Add([]byte(`{"type":" ","data":[{"id":1.0,"url":"x"}]}`), []byte("k"), "", []byte{}, false)
	file, err := rulefile.Parse("fuzz.yaml", []byte(fuzzRules))
	if err != nil {
		f.Fatal(err)
	}
	rules, err := mapping.Compile(mapping.Config{Rules: file.Rules, Allow: []string{"delete"},
		OnUnmatched: mapping.DeadLetter,
		Topics:      []mapping.Topic{{Name: "ce", Envelope: mapping.Envelope{Name: "cloudevents"}}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, value, key []byte, header string, headerValue []byte, cloud bool) {
		m := event.Message{Value: value, Key: key, Headers: []event.Header{{Key: header, Value: headerValue}}}
		if cloud {
			m.Origin.Topic = "ce"
			m.Headers = append(m.Headers, event.Header{Key: "ce_source", Value: headerValue},
				event.Header{Key: "ce_id", Value: key})
		}
		calls, failures := rules.Map(&m)
		if len(calls)+len(failures) == 0 {
			t.Fatal("the message vanished")
		}
		ids := map[event.ID]bool{}
		for i := range calls {
			checkCall(t, &calls[i])
			if ids[calls[i].ID] {
				t.Errorf("two calls have the identity %s", calls[i].ID)
			}
			ids[calls[i].ID] = true
		}
		for _, f := range failures {
			if f.Reason == "" || f.Detail == "" || f.Stage != event.StageMapping || f.ID.IsZero() {
				t.Errorf("incomplete failure %+v", f)
			}
		}
	})
}

func checkCall(t *testing.T, c *event.Call) {
	switch {
	case !json.Valid(c.Body) || !utf8.Valid(c.Body):
		t.Errorf("not JSON: %q", c.Body)
	case bytes.IndexByte(c.Body, '{') != 0:
		t.Errorf("not an object: %q", c.Body)
	case c.Single == nil && len(c.Body) > customerio.MaxItemBytes:
		t.Errorf("an item of %d bytes", len(c.Body))
	case c.Single != nil && len(c.Body) > customerio.MaxEventDataBytes+2000:
		t.Errorf("an event of %d bytes", len(c.Body))
	case len(c.Lanes) == 0:
		t.Errorf("no lanes: %s", c.Body)
	}
}

// FuzzParseRules proves that no rule file can panic the reader or the compiler.
func FuzzParseRules(f *testing.F) {
	f.Add(fuzzRules)
	f.Add(benchRules())
	f.Add(inRule("track: {person: [.a, {email: $message.key}], name: n.a, data: {x: 1.5, z: '= {a: .b}'}}") +
		"tests: [{name: t, given: {event: {a: [1, null]}}, want: [{track: {}}, {dead_letter: refused}]}]")
	f.Add("rules: [{name: 1, event: &a b, do: !x c}]\n---\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := rulefile.Parse("fuzz.yaml", []byte(text))
		if err != nil {
			return
		}
		if rules, err := mapping.Compile(mapping.Config{Rules: file.Rules}); err == nil {
			ruletest.Run(rules, file.Tests, t.TempDir())
			rules.Map(new(message(orderEvent)))
		}
	})
}
