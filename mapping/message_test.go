package mapping_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
)

func TestMessageMetadata(t *testing.T) {
	r := compileText(t, inRule("track: {person: .id, name: a, data: {m: $message}}"))
	for want, m := range map[string]event.Message{
		`{"partition":3,"offset":42,"topic":"t","key":"k\n","time":"2026-05-28T20:26:40.123Z",` +
			`"headers":{"a":"2","b":"\""}}`: {
			Origin: event.Origin{Topic: "t", Partition: 3, Offset: 42}, Key: []byte("k\n"),
			Time: time.UnixMilli(1_780_000_000_123),
			Headers: []event.Header{{Key: "a", Value: []byte("1")}, {Key: "b", Value: []byte(`"`)},
				{Key: "c", Value: []byte{0xff}}, {Key: "\xff", Value: nil}, {Key: "a", Value: []byte("2")}},
		},
		`{"partition":0,"offset":9,"topic":"S","subject":"shop.orders","stream":"S","sequence":9,"headers":{}}`: {
			Origin: event.Origin{Topic: "S", Subject: "shop.orders", Offset: 9}, Key: []byte{0xff},
		},
		`{"partition":0,"offset":9,"stream":"S","sequence":9,"topic":"S","headers":{}}`: {
			Origin: event.Origin{Topic: "S", Subject: "shop.\xff", Offset: 9},
		},
	} {
		m.Value = []byte(`{"type":"e","id":1}`)
		c := mapOne(t, r, m)
		var got struct{ Attributes struct{ M any } }
		var wanted any
		if err := json.Unmarshal([]byte(want), &wanted); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(c.Body, &got); err != nil {
			t.Fatalf("%v: %q", err, c.Body)
		}
		if asJSON(got.Attributes.M) != asJSON(wanted) {
			t.Errorf("got %s, want %s", asJSON(got.Attributes.M), want)
		}
	}
}

// A key that a schema reads is what it holds. Where no schema was asked, as in a test of a rule, an object in JSON is
// one, too; a key of a topic whose keys are not read is a text, whatever it looks like.
func TestMessageKey(t *testing.T) {
	debezium := mapping.Envelope{Name: "debezium", Type: mapping.Term{Program: `"e"`}}
	r := compileWith(t, mapping.Config{Topics: []mapping.Topic{
		{Name: "read", Content: "avro", KeyContent: "avro"},
		{Name: "changes", Content: "avro", Envelope: debezium},
		{Name: "plain", Content: "avro"},
	}}, inRule("track: {person: .id, name: a, data: {key: $message.key}}"))
	for _, test := range []struct{ topic, key, content, want string }{
		{"read", "\x00\x00\x00\x00\x01\x0e", `{"id":7}`, `"key":{"id":7}`},
		{"read", "\x00\x00\x00\x00\x01\x02a", `"a"`, `"key":"a"`},
		{"read", `{"id":7}`, "", `"key":{"id":7}`},
		{"changes", `{"id":7}`, "", `"key":{"id":7}`},
		{"read", "7", "", `"key":"7"`},
		{"read", `{"id":7,"id":8}`, "", `"key":"{\"id\":7,\"id\":8}"`}, // two persons
		{"plain", `{"id":7}`, "", `"key":"{\"id\":7}"`},
	} {
		m := event.Message{Origin: event.Origin{Topic: test.topic}, Key: []byte(test.key),
			Value: []byte(`{"type":"e","id":1}`)}
		if test.content != "" {
			m.Content = &event.Content{Key: []byte(test.content)}
		}
		if c := mapOne(t, r, m); !strings.Contains(string(c.Body), test.want) {
			t.Errorf("%s %q: %s", test.topic, test.key, c.Body)
		}
	}
}

// Where the schema of a value stands in a header, and the topic's content is not named, the failure says so.
func TestSchemaInAHeader(t *testing.T) {
	m := message("\x0e")
	m.Headers = []event.Header{{Key: "__value_schema_id", Value: []byte("\x00\x00\x00\x00\x01")}}
	_, failures := compileText(t, inRule("track: {person: .id, name: a}")).Map(&m)
	if len(failures) != 1 || !strings.Contains(failures[0].Detail, "__value_schema_id names a schema: content: avro") {
		t.Errorf("%+v", failures)
	}
}

// Where the form of a topic's values is named, nobody is told to name it: a test gives JSON.
func TestFormThatIsNamed(t *testing.T) {
	r := compileWith(t, mapping.Config{Topics: []mapping.Topic{{Name: "t", Content: "json_schema"}}},
		inRule("track: {person: .id, name: a}"))
	m := event.Message{Origin: event.Origin{Topic: "t"}, Value: []byte("\x00\x00\x00\x00\x07{}")}
	_, failures := r.Map(&m)
	if len(failures) != 1 || !strings.HasSuffix(failures[0].Detail,
		"; of a topic with content: json_schema give the JSON that the value becomes") {
		t.Errorf("%+v", failures)
	}
}

func TestOnlySoManyHeadersAreRead(t *testing.T) {
	r := compileText(t, inRule("track: {person: .id, name: a, data: {last: $message.headers.last}}"))
	m := message(`{"type":"e","id":1}`)
	m.Headers = make([]event.Header, 200_000)
	m.Headers[len(m.Headers)-1] = event.Header{Key: "last", Value: []byte("x")}
	start := time.Now()
	c := mapOne(t, r, m)
	if spent := time.Since(start); spent > 5*time.Second || strings.Contains(string(c.Body), "last") {
		t.Errorf("took %v: %s", spent, c.Body)
	}
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
