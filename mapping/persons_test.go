package mapping_test

import (
	"errors"
	"testing"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/persons"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
)

const rulesText = `rules:
  - name: order
    event: order
    do:
      - identify: {person: {id: .user}, attributes: {email: .mail}}
      - track: {person: {id: .user}, name: ordered}
  - name: same
    event: same
    do: [{delete: {person: {email: .drop}}}]
`

func TestIn(t *testing.T) {
	f, err := rulefile.Parse("rules.yaml", []byte(rulesText))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := mapping.Compile(mapping.Config{Rules: f.Rules, Allow: []string{"delete"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		person, key, value string
		want               bool
	}{
		{"c_7", "", `{"type":"order","user":"c_7","mail":"a@x.org"}`, true},
		{"c_7", "", `{"type":"order","user":"c_77","mail":"a@x.org"}`, false},
		{"id:c_7", "", `{"type":"order","user":"c_7","mail":"a@x.org"}`, true},
		{"email:c_7", "", `{"type":"order","user":"c_7","mail":"a@x.org"}`, false},
		{"A@X.org", "", `{"type":"order","user":"c_7","mail":"a@x.org"}`, true},
		{"b@x.org", "", `{"type":"same","keep":"c_7","drop":"b@x.org"}`, true},
		{"c_7", "", `{"type":"same","keep":"c_7","drop":"b@x.org"}`, false},
		// What no call shows.
		{"c_9", "", `{"type":"order","user":"c_7","mail":"a@x.org","friend":"c_9"}`, false},
		{"c_9", "", `{"type":"order","customer":"c_9"}`, true},
		{"9", "", `{"type":"order","customer_id":9}`, true},
		{"9", "", `{"type":"order","total":9}`, false},
		{"c_9", "", `{"type":"other","customer":"c_9"}`, true},
		{"c_9", "c_9", `{"type":"other"}`, true},
		{"c_9", "", `{"type":"order","customer":"c_9"`, true},
		{"c_9", "", `{"type":"order","customer":"c_99"`, false},
		{"c_9", "", ``, false},
	} {
		p, err := persons.Parse(c.person)
		if err != nil {
			t.Fatal(err)
		}
		m := event.Message{Origin: event.Origin{Topic: "t"}, Key: []byte(c.key), Value: []byte(c.value)}
		if got := p.In(rules, &m, 0); got != c.want {
			t.Errorf("%s in %s: %t", c.person, c.value, got)
		}
		if c.want && p.In(rules, &m, 2) {
			t.Errorf("%s is in the second event of a record of one", c.person)
		}
	}
	inAvro := event.Message{Value: []byte("\x00\x00\x00\x00\x01\x06c_9"),
		Key: []byte("\x00\x00\x00\x00\x02\x12"),
		Content: &event.Content{
			Value: []byte(`{"type":"other","customer":"c_9"}`), Key: []byte(`{"id":19}`),
		}}
	for person, want := range map[string]bool{"c_9": true, "19": true, "9": false} {
		p, err := persons.Parse(person)
		if err != nil || p.In(rules, &inAvro, 0) != want {
			t.Errorf("%s in values and keys that a schema reads: %t, %v", person, !want, err)
		}
	}
	for _, text := range []string{"", "id:"} {
		if _, err := persons.Parse(text); !errors.Is(err, persons.ErrEmpty) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
