package mapping_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/mapping"
)

// listRules maps the events of lists, each by a rule whose one step has the YAML.
func listRules(t testing.TB, step string) *mapping.Rules {
	return compileWith(t, mapping.Config{Topics: []mapping.Topic{{Name: "*", Envelope: mapping.Envelope{
		Each: mapping.Term{Program: "."}}}}}, inRule(step))
}

func list(item string, n int) event.Message {
	return message("[" + strings.Repeat(item+",", n-1) + item + "]")
}

// A record that becomes too much is one letter, whatever its first events became: nothing of it is sent.
func TestARecordIsGivenUpAsAWhole(t *testing.T) {
	for name, c := range map[string]struct {
		step   string
		m      event.Message
		reason event.Reason
		detail string
	}{
		"too many events": {"track: {person: .id, name: a}", list(`{"type":"e","id":1}`, 10_001), event.ReasonTooLarge,
			"more than 10,000 events"},
		"too many calls": {"track: {person: .id, name: a}\n      - track: {person: .id, name: b}",
			list(`{"type":"e","id":1}`, 5_001), event.ReasonTooLarge, "more than 10,000 calls"},
		"too many bytes": {"track: {person: .id, name: a, data: {b: .x, c: .x, d: .x}}\n      - each: '= range(4)'" +
			"\n        track: {person: .id, name: b, data: {b: .x, c: .x, d: .x}}",
			list(`{"type":"e","id":1,"x":"`+strings.Repeat("x", 9000)+`"}`, 70), event.ReasonTooLarge, "or 8 MiB"},
		"too many calls of each": {"each: '= range(150)'\n        track: {person: .id, name: a}",
			list(`{"type":"e","id":1}`, 100), event.ReasonTooLarge, "10,000 calls"},
		"too many failures": {"track: {person: .id, name: a}", list(`{"type":"e"}`, 1_001), event.ReasonMissingField,
			"more than 1,000 failures; the last: .id is"},
		"as many as may be": {"track: {person: .id, name: a}", list(`{"type":"e","id":1}`, 10_000), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			calls, failures := listRules(t, c.step).Map(&c.m)
			if c.reason == "" {
				if len(calls) == 0 || len(failures) != 0 {
					t.Fatalf("%d calls, %+v", len(calls), failures)
				}
				return
			}
			if len(calls) != 0 || len(failures) != 1 || failures[0].Reason != c.reason || failures[0].Item != 0 ||
				failures[0].Rule != "" || !strings.Contains(failures[0].Detail, c.detail) {
				t.Errorf("%d calls, %d failures, %+v", len(calls), len(failures), failures[0])
			}
		})
	}
}

// The programs of all events of a record together have a limit, too, beside a little for each.
func TestSlowEventsOfARecordHaveALimitTogether(t *testing.T) {
	longtest.Only(t)
	r := listRules(t, "track: {person: .id, name: a, data: {x: '= [range(0; infinite)]'}}")
	start := time.Now()
	calls, failures := r.Map(new(list(`{"type":"e","id":1}`, 900)))
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	if len(calls) != 0 || len(failures) != 900 {
		t.Errorf("%d calls, %d failures", len(calls), len(failures))
	}
}

// Mending one event of a record, or adding one behind the others, changes the identity of no other.
func TestEventsOfARecordHaveIdentitiesOfTheirOwn(t *testing.T) {
	r := listRules(t, "track: {person: .id, name: a}")
	ids := func(text string) []event.ID {
		calls, _ := r.Map(new(message(text)))
		var ids []event.ID
		for _, c := range calls {
			ids = append(ids, c.ID)
		}
		return ids
	}
	before := ids(`[{"type":"e","id":1},{"type":"e","id":1},{"type":"e"}]`)
	after := ids(`[{"type":"e","id":1}, {"type":"e","id":1},{"type":"e","id":3},{"type":"e","id":4}]`)
	alone := ids(`{"type":"e","id":1}`)
	if len(before) != 2 || len(after) != 4 || before[0] == before[1] {
		t.Fatalf("%v, %v", before, after)
	}
	if before[0] != after[0] || before[1] != after[1] || alone[0] != before[0] {
		t.Errorf("%v and %v became %v", before, alone, after)
	}
	m := message(`[{"type":"e","id":1}]`)
	m.Origin.Offset = 9
	if calls, _ := r.Map(&m); calls[0].ID == before[0] {
		t.Error("two records have one identity")
	}
}

func TestAForeignFormIsNamed(t *testing.T) {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	fmt.Fprint(w, `{"type":"e","id":1}`)
	w.Close()
	plain := compileText(t, inRule("track: {person: .id, name: a}"))
	for value, want := range map[string]string{
		"\x00\x00\x00\x00\x07{\"type\":\"e\"}":          "schema 7; content: json_schema",
		zipped.String():                                 "gzip; envelope: {from: .}",
		"{\"type\":\"e\"}\n{\"type\":\"e\"}\n":          "each: .",
		"[{\"type\":\"e\"}]":                            "each: .",
		"<e/>":                                          "XML",
		"{\"type\":\"e\",\"person\":\"secret words\"}}": "",
	} {
		calls, failures := plain.Map(new(message(value)))
		if len(calls) != 0 || len(failures) != 1 || !strings.Contains(failures[0].Detail, want) ||
			strings.Contains(failures[0].Detail, "secret") {
			t.Errorf("%q: %d calls, %+v", value, len(calls), failures)
		}
	}
	within := compileWith(t, mapping.Config{Topics: []mapping.Topic{{Name: "*", Envelope: mapping.Envelope{
		From: mapping.Term{Program: "."}}}}}, inRule("track: {person: .id, name: a}"))
	if c := mapOne(t, within, message(zipped.String())); c.Step.Call != "track:a" {
		t.Errorf("%+v", c)
	}
}

func TestInspectTellsTheEventOfARecord(t *testing.T) {
	r := listRules(t, "track: {person: .id, name: a}")
	m := message(`[{"type":"one"},{"type":"two"},{}]`)
	for item, want := range []string{"", "one", "two", "", ""} {
		e, err := r.Inspect(m, item)
		if e.Type != want || (err == nil) != (want != "") {
			t.Errorf("event %d: %+v, %v", item, e, err)
		}
	}
}

// BenchmarkList maps twenty events of a list, beside the same events as records.
func BenchmarkList(b *testing.B) {
	one := string(shopEvent(1000))
	for _, c := range []struct {
		name     string
		envelope mapping.Envelope
		records  []event.Message
	}{
		{"list", mapping.Envelope{Each: mapping.Term{Program: "."}}, []event.Message{list(one, 20)}},
		{"records", mapping.Envelope{}, func() (all []event.Message) {
			for range 20 {
				all = append(all, message(one))
			}
			return all
		}()},
	} {
		c.envelope.Type, c.envelope.Time = mapping.Term{Program: ".type"}, mapping.Term{Program: ".time"}
		c.envelope.ID = mapping.Term{Program: ".id"}
		rules := compileWith(b, mapping.Config{Topics: []mapping.Topic{{Name: "*", Envelope: c.envelope}}}, shopRules())
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				for _, m := range c.records {
					calls, _ := rules.Map(&m)
					n += len(calls)
					rules.Recycle(func(yield func([]event.Call) bool) { yield(calls) })
				}
				if n != 20 {
					b.Fatalf("%d calls", n)
				}
			}
		})
	}
}

// FuzzList holds the events of a list to the same events as records of their own, and proves that what wraps a list, or
// is broken in it, cannot do more than fail.
func FuzzList(f *testing.F) {
	f.Add([]byte(`[{"type":"e","id":1},{"type":"e","id":"x","x":[1,{"a":null}]},{"kind":1},null,7]`))
	f.Add([]byte(`[{"type":"e","id":1,"id":2},{"type":"e"},{]},"{\"type\":\"e\",\"id\":3}"]`))
	f.Add([]byte("{\"type\":\"e\",\"id\":1}\n{\"type\":\"e\",\"id\":2}\n{\n"))
	f.Add([]byte(`"eyJ0eXBlIjoiZSIsImlkIjoxfQ=="`))
	step := "track: {person: .id, name: a, data: {x: .x, type: .type}}"
	lists := listRules(f, step)
	records := compileText(f, inRule(step))
	within := compileWith(f, mapping.Config{Topics: []mapping.Topic{{Name: "*", OnNull: mapping.AsEvent,
		Envelope: mapping.Envelope{From: mapping.Term{Program: ".a // ."},
			Each: mapping.Term{Program: ".b[]?, .c?"}}}}},
		inRule(step))
	f.Fuzz(func(t *testing.T, value []byte) {
		within.Map(new(message(string(value))))
		calls, failures := lists.Map(new(message(string(value))))
		last := int32(0)
		for i := range calls {
			checkCall(t, &calls[i])
			if calls[i].Item < last {
				t.Errorf("event %d behind event %d", calls[i].Item, last)
			}
			last = calls[i].Item
		}
		var items []json.RawMessage
		if json.Unmarshal(value, &items) != nil || len(failures) == 1 && failures[0].Item == 0 {
			return
		}
		var want, got []string
		for _, item := range items {
			if item[0] == '"' {
				return // what is in the text is read
			}
			alone, _ := records.Map(new(message(string(item))))
			for _, c := range alone {
				want = append(want, withoutID(c))
			}
		}
		for _, c := range calls {
			got = append(got, withoutID(c))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s became %q, and event by event %q", value, got, want)
		}
	})
}

func withoutID(c event.Call) string {
	return strings.Replace(string(c.Body), c.ID.String(), "", 1)
}
