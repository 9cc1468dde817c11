package mapping_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
)

var builtInEnvelopes = []string{"segment", "debezium", "connect"}

const changeRules = `
rules:
  - name: all
    event: "*"
    do:
      - identify: {person: [.id, .userId, {email: .email}], attributes: {row: ., change: $change, b: .balance,
          before: $change.before.email, key: $change.key}}
      - track: {person: [.id, .userId], name: changed, data: {all: ., op: $change.op, source: $change.source}}
`

// compileBuiltIn compiles the rules for topics that are named as their envelopes are.
func compileBuiltIn(t testing.TB, text string) *mapping.Rules {
	t.Helper()
	file, err := rulefile.Parse("rules.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	c := mapping.Config{Rules: file.Rules, OnUnmatched: mapping.DeadLetter}
	for _, name := range builtInEnvelopes {
		c.Topics = append(c.Topics, mapping.Topic{Name: name, Envelope: mapping.Envelope{Name: name}})
	}
	rules, err := mapping.Compile(c)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// goldenMessages are the messages of the golden files whose names begin with one of the envelopes', by the names of
// both.
func goldenMessages(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, name := range builtInEnvelopes {
		paths, err := filepath.Glob("testdata/" + name + "*.txtar")
		if err != nil || len(paths) == 0 {
			t.Fatal(paths, err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range txtar.Parse(text).Files {
				if strings.HasSuffix(f.Name, ".json") {
					out[filepath.Base(path)+" "+f.Name] = f.Data
				}
			}
		}
	}
	return out
}

// FuzzBuiltIn proves that no bytes from a broker can panic a built-in envelope, spoil a batch or get past a limit, and
// that a message becomes the same when its schema is known.
func FuzzBuiltIn(f *testing.F) {
	for name, value := range goldenMessages(f) {
		for i, envelope := range builtInEnvelopes {
			if strings.HasPrefix(name, envelope) {
				f.Add(uint8(i), value, []byte(`{"id":7}`))
			}
		}
	}
	rules := compileBuiltIn(f, changeRules)
	f.Fuzz(func(t *testing.T, envelope uint8, value, key []byte) {
		m := event.Message{Origin: event.Origin{Topic: builtInEnvelopes[int(envelope)%len(builtInEnvelopes)]},
			Value: value, Key: key}
		calls, failures := rules.Map(&m)
		again, _ := rules.Map(&m)
		if len(calls) != len(again) {
			t.Fatalf("%d calls, and then %d", len(calls), len(again))
		}
		for i := range calls {
			checkCall(t, &calls[i])
			if string(calls[i].Body) != string(again[i].Body) || calls[i].ID != again[i].ID {
				t.Errorf("made %s, and then %s", calls[i].Body, again[i].Body)
			}
		}
		for _, f := range failures {
			if f.Reason == "" || f.Detail == "" || f.Stage != event.StageMapping || f.ID.IsZero() {
				t.Errorf("incomplete failure %+v", f)
			}
		}
	})
}

// TestChangeIsOfItsOwnRecord maps a change and then a CloudEvent in binary mode, whose value is read in another way: it
// has no $change, and not that of the record before it.
func TestChangeIsOfItsOwnRecord(t *testing.T) {
	file, err := rulefile.Parse("rules.yaml", []byte(changeRules))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := mapping.Compile(mapping.Config{Rules: file.Rules, Topics: []mapping.Topic{
		{Name: "changes", Envelope: mapping.Envelope{Name: "debezium"}},
		{Name: "events", Envelope: mapping.Envelope{Name: "cloudevents"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	change := event.Message{Origin: event.Origin{Topic: "changes"},
		Value: []byte(`{"op":"c","after":{"id":"another"},"source":{"table":"t"}}`)}
	binary := event.Message{Origin: event.Origin{Topic: "events"}, Value: []byte(`{}`), Headers: []event.Header{
		{Key: "ce_id", Value: []byte("7")}, {Key: "ce_source", Value: []byte("/")},
		{Key: "ce_type", Value: []byte("t")}}}
	if calls, failures := rules.Map(&change); len(calls) != 2 || len(failures) > 0 {
		t.Fatal(calls, failures)
	}
	calls, failures := rules.Map(&binary)
	if len(calls) != 2 || len(failures) > 0 {
		t.Fatal(calls, failures)
	}
	for _, c := range calls {
		if strings.Contains(string(c.Body), "another") {
			t.Errorf("made %s", c.Body)
		}
	}
}

const rowRules = `
rules:
  - name: row
    event: customers.upsert
    do: [{track: {person: .id, name: changed, data: {email: .email, balance: .balance, vip: .vip}}}]
`

// plainRow is what the golden message "update" of Debezium tells, as an event of the plain envelope.
const plainRow = `{"type":"customers.upsert","time":"2026-10-05T10:00:00.123Z","id":9007199254740993,` +
	`"email":"Ann@Example.com","phone":null,"balance":27.1,"updated_at":"2026-10-05T10:00:00.123456Z",` +
	`"born":"1990-01-01","vip":true}`

// BenchmarkDebezium maps a change within the wrapper of Kafka Connect, and beside it the same row as a plain event.
func BenchmarkDebezium(b *testing.B) {
	rules := compileBuiltIn(b, rowRules)
	wrapped := goldenMessages(b)["debezium.txtar update.json"]
	for _, test := range []struct {
		name, topic string
		value       []byte
	}{{"plain", "other", []byte(plainRow)}, {"wrapped", "debezium", wrapped}} {
		b.Run(test.name, func(b *testing.B) {
			m := event.Message{Origin: event.Origin{Topic: test.topic}, Value: test.value}
			b.SetBytes(int64(len(m.Value)))
			b.ReportAllocs()
			for b.Loop() {
				calls, failures := rules.Map(&m)
				if len(calls) != 1 || len(failures) != 0 {
					b.Fatalf("%d calls, %v", len(calls), failures)
				}
				rules.Recycle(one(calls))
			}
		})
	}
}

// A change within its wrapper costs no more allocations than a plain event, once its schema is known.
func TestAllocationsOfDebezium(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector makes sync.Pool forget at random")
	}
	rules := compileBuiltIn(t, rowRules)
	m := event.Message{Origin: event.Origin{Topic: "debezium"}, Value: goldenMessages(t)["debezium.txtar update.json"]}
	made := make([][]event.Call, 100)
	if n := testing.AllocsPerRun(20, func() {
		for i := range made {
			if made[i], _ = rules.Map(&m); len(made[i]) != 1 {
				t.Fatalf("%d calls", len(made[i]))
			}
		}
		rules.Recycle(slices.Values(made))
	}); n > 5 { // of giving back
		t.Errorf("%v allocations for %d changes of one call", n, len(made))
	}
}
