package mapping_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
)

func idOf(t *testing.T, r *mapping.Rules, m event.Message) event.ID {
	t.Helper()
	return mapOne(t, r, m).ID
}

// Everything that makes a call another call changes its identity, and nothing else does.
func TestIdentity(t *testing.T) {
	text := inRule("track: {person: .id, name: a}")
	base := compileText(t, text)
	m := message(`{"type":"e","id":1}`)
	want := idOf(t, base, m)
	same := map[string]func() event.ID{
		"again":            func() event.ID { return idOf(t, base, m) },
		"compiled anew":    func() event.ID { return idOf(t, compileText(t, text), m) },
		"in a replay":      func() event.ID { return idOf(t, base.ForReplay(), m) },
		"with another key": func() event.ID { n := m; n.Key = []byte("k"); return idOf(t, base, n) },
		"with more data": func() event.ID {
			return idOf(t, compileText(t, inRule("track: {person: .id, name: a, data: {b: 1}}")), m)
		},
		"with another call above it": func() event.ID {
			return lastID(t, inRule("delete: {person: .id}\n      - track: {person: .id, name: a}"), m)
		},
	}
	for name, id := range same {
		if got := id(); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	different := map[string]func() event.ID{
		"another offset":    func() event.ID { n := m; n.Origin.Offset++; return idOf(t, base, n) },
		"another partition": func() event.ID { n := m; n.Origin.Partition++; return idOf(t, base, n) },
		"another topic":     func() event.ID { n := m; n.Origin.Topic += "x"; return idOf(t, base, n) },
		"another time":      func() event.ID { n := m; n.Time = n.Time.Add(time.Millisecond); return idOf(t, base, n) },
		"another content":   func() event.ID { return idOf(t, base, message(`{"type":"e","id":1 }`)) },
		"another call": func() event.ID {
			return idOf(t, compileText(t, inRule("track: {person: .id, name: b}")), m)
		},
		"second of equals": func() event.ID {
			return lastID(t, inRule("track: {person: .id, name: a}\n      - track: {person: .id, name: a}"), m)
		},
		"another rule": func() event.ID {
			return idOf(t, compileText(t, strings.Replace(text, "name: r", "name: s", 1)), m)
		},
		"a scope": func() event.ID { return idOf(t, compileText(t, text+"    id_scope: x\n"), m) },
		"an id":   func() event.ID { return idOf(t, compileText(t, text+"    id: .id\n"), m) },
	}
	seen := map[event.ID]string{want: "the base"}
	for name, id := range different {
		got := id()
		if other, taken := seen[got]; taken {
			t.Errorf("%s has the identity of %s", name, other)
		}
		seen[got] = name
	}
}

func lastID(t *testing.T, text string, m event.Message) event.ID {
	t.Helper()
	calls, failures := compileText(t, text).Map(&m)
	if len(calls) == 0 || len(failures) > 0 {
		t.Fatalf("%d calls, %+v", len(calls), failures)
	}
	return calls[len(calls)-1].ID
}

// TestTheDivisionOfAStreamIsNoPartOfIdentity: a stream's sequence is one of the whole stream.
func TestTheDivisionOfAStreamIsNoPartOfIdentity(t *testing.T) {
	r := compileText(t, inRule("track: {person: .id, name: a}"))
	m := message(`{"type":"e","id":1}`)
	m.Origin.Subject = "events.3.x"
	n := m
	n.Origin.Partition = 3
	if idOf(t, r, m) != idOf(t, r, n) {
		t.Error("an event that is read through another partition counts anew")
	}
}

func TestAnEventsOwnIDMakesItsPlaceIrrelevant(t *testing.T) {
	r := compileWith(t, mapping.Config{Topics: []mapping.Topic{{Name: "*", Envelope: mapping.Envelope{
		Type: mapping.Term{Program: ".type"}, Time: mapping.Term{Program: ".at"},
		ID: mapping.Term{Program: ".event_id"},
	}}}}, inRule("track: {person: .id, name: a}"))
	m := message(`{"type":"e","id":1,"at":1793527200,"event_id":"x"}`)
	n := message(`{"type":"e","id":2,"at":1793527200,"event_id":"x"}`)
	n.Origin.Offset, n.Origin.Topic, n.Time = 1, "mirror", time.Time{}
	if idOf(t, r, m) != idOf(t, r, n) {
		t.Error("the same event has two identities")
	}
	if n.Value = []byte(`{"type":"e","id":1,"at":1793527200,"event_id":"y"}`); idOf(t, r, m) == idOf(t, r, n) {
		t.Error("two events have one identity")
	}
}

func TestIdentityBeginsWithTheEventsTime(t *testing.T) {
	r := compileText(t, inRule("track: {person: .id, name: a}"))
	ms := func(m event.Message) int64 {
		id := idOf(t, r, m)
		return int64(id[0])<<40 | int64(id[1])<<32 | int64(id[2])<<24 | int64(id[3])<<16 | int64(
			id[4])<<8 | int64(id[5])
	}
	if got := ms(message(`{"type":"e","id":1,"time":"2026-11-01T10:00:00.25Z"}`)); got != 1_793_527_200_250 {
		t.Errorf("event time: %d", got)
	}
	if got := ms(message(`{"type":"e","id":1}`)); got != 1_780_000_000_123 {
		t.Errorf("record time: %d", got)
	}
	timeless := message(`{"type":"e","id":1}`)
	timeless.Time = time.Time{}
	if got := ms(timeless); got != 0 {
		t.Errorf("no time: %d", got)
	}
	if c := mapOne(t, r, timeless); strings.Contains(string(c.Body), "timestamp") {
		t.Errorf("a time was made up: %s", c.Body)
	}
}

func TestFramingKeepsTextsApart(t *testing.T) {
	join := func(texts ...string) (b []byte) {
		for _, s := range texts {
			b = mapping.AppendFramed(b, s)
		}
		return b
	}
	if string(join("ab", "c")) == string(join("a", "bc")) || string(join("", "a")) == string(join("a", "")) {
		t.Error("two lists of texts give the same bytes")
	}
}

func TestCompareIdentitiesNamesWhatChanged(t *testing.T) {
	before := compileText(t, inRule("track: {person: .id, name: a}\n      - track: {person: .id, name: b}")+
		"  - {name: gone, event: e, do: [{delete: {person: .id}}]}\n"+
		"  - {name: kept, event: e, do: [{delete: {person: .id}}]}\n")
	after := compileWith(t, mapping.Config{Allow: []string{"delete"},
		Topics: []mapping.Topic{{Name: "t", Envelope: mapping.Envelope{Name: "cloudevents"}}}},
		inRule("track: {person: .id, name: c}\n      - track: {person: .id, name: b}\n    id: .event_id")+
			"  - {name: kept, event: x, do: [{identify: {person: .id}}, {delete: {person: .other}}]}\n")
	want := []mapping.IdentityChange{
		{"r", "track:a", "the rule has no call of this name any more; call: can give it back"},
		{"r", "track:b", `id_scope "", id none, time none became id_scope "", id .event_id, time none`},
		{"gone", "delete", "there is no rule of this name any more"},
		{"", "", `topic "t": id none, source none, time .time became id .id, source .source, time .time`},
	}
	got := mapping.CompareIdentities(before, after)
	if len(got) != len(want) {
		t.Fatalf("got %q", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got  %q\nwant %q", got[i], want[i])
		}
	}
	if same := mapping.CompareIdentities(before, before); len(same) > 0 {
		t.Errorf("nothing changed, but %q", same)
	}
}

// The identity of an event must not follow the way in which its texts happen to be escaped.
func TestIdentityDoesNotFollowEscapes(t *testing.T) {
	const hostile = "k\x7f\b\f\x01\n\"\\"
	m := event.Message{
		Key: []byte(hostile), Headers: []event.Header{{Key: "h", Value: []byte(hostile)}},
		Value: []byte(`{"type":"e","id":1,"n":"x\u007f\b\f\u0001\ny` + "\x7f" + `"}`),
	}
	for name, want := range map[string]struct{ id, event string }{
		"key":     {"$message.key", "0000000000B25BEG6GFADSWS70"},
		"json":    {"'= $message | tojson'", "0000000000QENV8B2BB4GP17SM"},
		"headers": {"'= $message.headers | tojson'", "0000000000GCGNK296179JK1ED"},
	} {
		rules := compileText(t, "rules: [{name: "+name+", event: e, id: "+want.id+
			", do: [{track: {person: .id, name: .n}}]}]")
		if got := mapOne(t, rules, m).ID.String(); got != want.event {
			t.Errorf("%s: %s, want %s", name, got, want.event)
		}
	}
}
