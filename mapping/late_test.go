package mapping_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
)

// Events that are too old to trigger anything are counted, and sent, left out or dead letters, as is asked for; what
// changes the person goes all the same.
func TestEventsThatComeTooLate(t *testing.T) {
	f, err := rulefile.Parse("rules.yaml", []byte(`rules:
  - name: r
    event: e
    time: .at
    do:
      - track: {person: .id, name: done}
      - identify: {person: .id, attributes: {a: 1}}
`))
	if err != nil {
		t.Fatal(err)
	}
	message := func(age time.Duration) event.Message {
		return event.Message{Value: fmt.Appendf(nil, `{"type":"e","id":"1","at":%d}`, time.Now().Add(-age).Unix())}
	}
	for _, c := range []struct {
		limit           mapping.TooLate
		calls, failures int
		late            uint64
	}{
		{mapping.TooLate{}, 2, 0, 0}, {mapping.TooLate{Then: mapping.Send}, 2, 0, 1},
		{mapping.TooLate{Then: mapping.Skip}, 1, 0, 1}, {mapping.TooLate{Then: mapping.DeadLetter}, 1, 1, 1},
		{mapping.TooLate{After: 100 * time.Hour, Then: mapping.Skip}, 2, 0, 0},
	} {
		rules, err := mapping.Compile(mapping.Config{Rules: f.Rules, TooLate: c.limit})
		if err != nil {
			t.Fatal(err)
		}
		if calls, failures := rules.Map(new(message(71 * time.Hour))); len(calls) != 2 || len(failures) > 0 {
			t.Errorf("%+v, in time: %d calls, %v", c.limit, len(calls), failures)
		}
		calls, failures := rules.Map(new(message(73 * time.Hour)))
		if len(calls) != c.calls || len(failures) != c.failures ||
			c.failures > 0 && (failures[0].Reason != event.ReasonTooLate || failures[0].Call != "track:done") {
			t.Errorf("%+v: %d calls, %+v", c.limit, len(calls), failures)
		}
		if n := rules.Stats()[0].Late; n != c.late {
			t.Errorf("%+v: %d are counted", c.limit, n)
		}
		late := message(73 * time.Hour)
		if calls, failures := rules.ForReplay().Map(&late); len(calls) != 2 || len(failures) > 0 {
			t.Errorf("%+v, in a replay: %d calls, %v", c.limit, len(calls), failures)
		}
	}
	for _, limit := range []mapping.TooLate{{Then: "drop"}, {After: -1, Then: mapping.Skip}, {After: time.Hour}} {
		if _, err := mapping.Compile(mapping.Config{Rules: f.Rules, TooLate: limit}); err == nil {
			t.Errorf("%+v is taken", limit)
		}
	}
}
