package mapping_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
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
