package mapping_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
)

func compileText(t testing.TB, text string) *mapping.Rules {
	t.Helper()
	return compileWith(t, mapping.Config{Allow: []string{"delete"}}, text)
}

func compileWith(t testing.TB, c mapping.Config, text string) *mapping.Rules {
	t.Helper()
	file, err := rulefile.Parse("rules.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	c.Rules = file.Rules
	rules, err := mapping.Compile(c)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// inRule is a rule file with one action.
func inRule(action string) string {
	return "rules:\n  - name: r\n    event: e\n    do:\n      - " + action + "\n"
}

func message(value string) event.Message {
	return event.Message{
		Origin: event.Origin{Topic: "shop.orders", Partition: 3, Offset: 42},
		Value:  []byte(value),
		Time:   time.UnixMilli(1_780_000_000_123),
	}
}

// mapOne maps a message that becomes exactly one call.
func mapOne(t *testing.T, r *mapping.Rules, m event.Message) event.Call {
	t.Helper()
	calls, failures := r.Map(&m)
	if len(calls) != 1 || len(failures) != 0 {
		t.Fatalf("want one call, got %d and failures %+v", len(calls), failures)
	}
	return calls[0]
}

// failOne maps a message that becomes exactly one failure.
func failOne(t *testing.T, r *mapping.Rules, m event.Message) event.Failure {
	t.Helper()
	calls, failures := r.Map(&m)
	if len(calls) != 0 || len(failures) != 1 {
		t.Fatalf("want one failure, got %d calls and %+v", len(calls), failures)
	}
	return failures[0]
}

func TestLanesCoverEveryIdentifier(t *testing.T) {
	r := compileText(t, inRule("identify: {person: {email: .who}, "+
		"attributes: {id: .id, phone: .phone, anonymous_id: .visitor, email: .who, plan: pro}}"))
	c := mapOne(t, r, message(`{"type":"e","who":"Ada@Example.com","id":7,"phone":"+15551234567","visitor":"v1"}`))
	want := []event.Lane{
		event.LaneKindOf("email").Of([]byte("ada@example.com")), event.LaneKindOf("anonymous_id").Of([]byte("v1")),
		event.LaneKindOf("id").Of([]byte("7")), event.LaneKindOf("phone").Of([]byte("+15551234567")),
	}
	if !slices.Equal(c.Lanes, want) {
		t.Errorf("got %v, want %v", c.Lanes, want)
	}
	c = mapOne(t, r, message(`{"type":"e","who":"ada@example.com"}`))
	if !slices.Equal(c.Lanes, want[:1]) {
		t.Errorf("the address of a person in another case has another lane")
	}
}

func TestOnlyEventsAreRepeatable(t *testing.T) {
	r := compileText(t, inRule("identify: {person: .id}\n      - track: {person: .id, name: a}\n      "+
		"- pageview: {person: .id, name: a}\n      - screen: {person: .id, name: a}\n      - delete: {person: .id}"))
	calls, _ := r.Map(new(message(`{"type":"e","id":1}`)))
	want := map[string]bool{"identify": false, "track": true, "pageview": true, "screen": true, "delete": false}
	for _, c := range calls {
		if c.Step.Repeatable != want[c.Step.Action] {
			t.Errorf("%s: repeatable is %v", c.Step.Action, c.Step.Repeatable)
		}
		delete(want, c.Step.Action)
	}
	if len(want) > 0 {
		t.Errorf("no calls for %v", want)
	}
}

func TestIdentifyCarriesATimeOnReplayOnly(t *testing.T) {
	r := compileText(t, inRule("identify: {person: .id, attributes: {a: 1}}"))
	m := message(`{"type":"e","id":1,"time":"2026-11-01T10:00:00Z"}`)
	live, replayed := mapOne(t, r, m), mapOne(t, r.ForReplay(), m)
	if strings.Contains(string(live.Body), "timestamp") {
		t.Errorf("live: %s", live.Body)
	}
	if !strings.Contains(string(replayed.Body), `"timestamp":1793527200`) {
		t.Errorf("replay: %s", replayed.Body)
	}
	if live.ID != replayed.ID {
		t.Error("the replayed call has another identity")
	}
}

func TestDestructiveActionsNeedLeave(t *testing.T) {
	text := inRule("delete: {person: .id}")
	r := compileWith(t, mapping.Config{}, text)
	if f := failOne(t, r, message(`{"type":"e","id":1}`)); f.Reason != event.ReasonNotAllowed || f.Rule != "r" ||
		f.Call != "delete" {
		t.Errorf("%+v", f)
	}
	if len(r.Warnings()) != 1 {
		t.Errorf("warnings: %q", r.Warnings())
	}
	c := mapOne(t, compileWith(t, mapping.Config{Allow: []string{"delete"}}, text), message(`{"type":"e","id":1}`))
	if string(c.Body) != `{"type":"person","action":"delete","identifiers":{"id":"1"}}` {
		t.Errorf("%s", c.Body)
	}
}

func TestTombstones(t *testing.T) {
	text := inRule("delete: {person: .id}")
	null := event.Message{Origin: event.Origin{Topic: "compacted"}, Key: []byte("k")}
	if f := failOne(t, compileText(t, text), null); f.Reason != event.ReasonUndecodable ||
		!strings.Contains(f.Detail, "tombstone") {
		t.Errorf("%+v", f)
	}
	r := compileWith(t, mapping.Config{Topics: []mapping.Topic{{Name: "comp*", OnNull: mapping.Skip}}}, text)
	if calls, failures := r.Map(&null); len(calls)+len(failures) != 0 {
		t.Errorf("not skipped: %v %v", calls, failures)
	}
}

// What holds no event is skipped or a dead letter, as on_null says; what holds something never is.
func TestOnNullCoversWhateverHoldsNoEvent(t *testing.T) {
	text := inRule("delete: {person: .id}")
	skip := compileWith(t, mapping.Config{Topics: []mapping.Topic{{Name: "KV_*", OnNull: mapping.Skip}}}, text)
	keep := compileText(t, text)
	of := func(subject, value, header, content string) event.Message {
		m := event.Message{Origin: event.Origin{Topic: "KV_people", Subject: subject}, Value: []byte(value)}
		if header != "" {
			m.Headers = []event.Header{{Key: "other", Value: []byte("x")}, {Key: header, Value: []byte(content)}}
		}
		return m
	}
	const subject = "$KV.people.c1"
	for name, m := range map[string]event.Message{
		"tombstone":        {Origin: event.Origin{Topic: "KV_people"}, Key: []byte("c1")},
		"empty":            of("", "", "", ""),
		"blank":            of("", " \n", "", ""),
		"null":             of("", "null", "", ""),
		"null in blanks":   of("", "\tnull\n", "", ""),
		"empty message":    of(subject, "", "", ""),
		"null message":     of(subject, "null", "", ""),
		"deleted key":      of(subject, "", "KV-Operation", "DEL"),
		"purged key":       of(subject, "", "KV-Operation", "PURGE"),
		"marker of age":    of(subject, "", "Nats-Marker-Reason", "MaxAge"),
		"marker of purge":  of(subject, "", "Nats-Marker-Reason", "Purge"),
		"marker of remove": of(subject, "", "Nats-Marker-Reason", "Remove"),
		"delete with text": of(subject, "gone", "KV-Operation", "DEL"),
	} {
		if calls, failures := skip.Map(&m); len(calls)+len(failures) != 0 {
			t.Errorf("%s is not skipped: %v %v", name, calls, failures)
		}
		if f := failOne(t, keep, m); f.Reason != event.ReasonUndecodable || !strings.Contains(f.Detail, "on_null") {
			t.Errorf("%s: %+v", name, f)
		}
	}
	for name, m := range map[string]event.Message{
		"a word":                  of(subject, "nul", "", ""),
		"null and more":           of(subject, "null null", "", ""),
		"Kafka, NATS's header":    of("", `{"type":7}`, "KV-Operation", "DEL"),
		"a value that was put":    of(subject, `{"type":7}`, "KV-Operation", "PUT"),
		"an operation of no kind": of(subject, `{"type":7}`, "KV-Operation", "del"),
	} {
		if f := failOne(t, skip, m); strings.Contains(f.Detail, "on_null") {
			t.Errorf("%s counts as nothing: %+v", name, f)
		}
	}
}

// A CloudEvent in binary mode may have no data: the attributes say that it is an event, whatever on_null says of
// tombstones.
func TestACloudEventWithoutDataIsAnEvent(t *testing.T) {
	text := inRule("delete: {person: .subject}")
	r := compileWith(t, mapping.Config{Allow: []string{"delete"},
		Topics: []mapping.Topic{{Name: "ce", Envelope: mapping.Envelope{Name: "cloudevents"},
			OnNull: mapping.Skip}}}, text)
	m := event.Message{Origin: event.Origin{Topic: "ce"}, Key: []byte("c_9"), Headers: []event.Header{
		{Key: "ce_specversion", Value: []byte("1.0")}, {Key: "ce_id", Value: []byte("1")},
		{Key: "ce_source", Value: []byte("/users")},
		{Key: "ce_type", Value: []byte("e")}, {Key: "ce_subject", Value: []byte("c_9")},
	}}
	for name, value := range map[string][]byte{"no value": nil, "an empty one": {}, "null": []byte("null")} {
		m.Value = value
		if c := mapOne(t, r, m); string(c.Body) != `{"type":"person","action":"delete","identifiers":{"id":"c_9"}}` {
			t.Errorf("%s: %s", name, c.Body)
		}
	}
	m.Value = nil
	m.Headers[3].Key = "type"
	if f := failOne(t, r, m); f.Reason != event.ReasonNoType {
		t.Errorf("an event without a type: %+v", f)
	}
	m.Headers = nil
	if calls, failures := r.Map(&m); len(calls)+len(failures) != 0 {
		t.Errorf("a tombstone is not skipped: %v %v", calls, failures)
	}
	m.Headers = []event.Header{{Key: "content-type", Value: []byte("application/cloudevents+json")}}
	if calls, failures := r.Map(&m); len(calls)+len(failures) != 0 {
		t.Errorf("a tombstone of structured events is not skipped: %v %v", calls, failures)
	}
}

func TestLargeEventsTravelAlone(t *testing.T) {
	rules := func(person string) *mapping.Rules {
		return compileText(t, inRule("track: {person: "+person+", name: big, data: {text: .text}}"))
	}
	of := func(size int) event.Message {
		return message(fmt.Sprintf(`{"type":"e","time":1793527200,"id":"a/b","mail":"a@b.example",`+
			`"phone":"+15551234567","text":%q}`, strings.Repeat("x", size)))
	}
	if c := mapOne(t, rules(".id"), of(31_000)); c.Single != nil {
		t.Error("an event that fits an item does not travel in the batch")
	}
	c := mapOne(t, rules(".id"), of(40_000))
	if c.Single == nil || c.Single.Method != "POST" || c.Single.Path != "/api/v1/customers/a%2Fb/events" {
		t.Fatalf("%+v", c.Single)
	}
	var body struct {
		Name, Type, ID string
		Timestamp      int64
		Data           map[string]string
	}
	if err := json.Unmarshal(c.Body, &body); err != nil {
		t.Fatal(err)
	}
	if body.Name != "big" || body.Type != "event" || body.ID != c.ID.String() || body.Timestamp != 1793527200 ||
		len(body.Data["text"]) != 40_000 {
		t.Errorf("%.200s", c.Body)
	}
	c = mapOne(t, rules("{email: .mail}"), of(40_000))
	if c.Single.Path != "/api/v1/customers/a%40b%2Eexample/events" {
		t.Errorf("%+v", c.Single)
	}
	if c := mapOne(t, rules("{anonymous_id: .id}"), of(40_000)); c.Single.Path != "/api/v1/events" ||
		!strings.Contains(string(c.Body), `"anonymous_id":"a/b"`) {
		t.Errorf("%+v %.200s", c.Single, c.Body)
	}
	for _, r := range []*mapping.Rules{rules("{phone: .phone}"), rules(".mail")} {
		if f := failOne(t, r, of(40_000)); f.Reason != event.ReasonTooLarge {
			t.Errorf("v1 cannot name the person: %+v", f)
		}
	}
	if f := failOne(t, rules(".id"), of(99_995)); f.Reason != event.ReasonTooLarge || f.Field != "data" {
		t.Errorf("%+v", f)
	}
	if f := failOne(t, rules(".id"), of(2<<20)); f.Reason != event.ReasonTooLarge || f.Call != "" {
		t.Errorf("%+v", f)
	}
}

func TestIdentifyOverTheItemLimitIsTooLarge(t *testing.T) {
	var attributes, values []string
	for i := range 40 {
		attributes = append(attributes, fmt.Sprintf("a%d: .a%d", i, i))
		values = append(values, fmt.Sprintf(`"a%d":%q`, i, strings.Repeat("x", 1000)))
	}
	r := compileText(t, inRule("identify: {person: .id, attributes: {"+strings.Join(attributes, ", ")+"}}"))
	f := failOne(t, r, message(`{"type":"e","id":1,`+strings.Join(values, ",")+`}`))
	if f.Reason != event.ReasonTooLarge || f.Field != "attributes" {
		t.Errorf("%+v", f)
	}
}

func TestAProgramThatNeverEndsCostsItsCallOnly(t *testing.T) {
	r := compileText(t, inRule("track: {person: .id, name: a, data: {x: '= [range(0; infinite)]'}}\n      "+
		"- track: {person: .id, name: b}"))
	calls, failures := r.Map(new(message(`{"type":"e","id":1}`)))
	if len(calls) != 1 || len(failures) != 1 || failures[0].Reason != event.ReasonRuleError ||
		failures[0].Field != "data.x" {
		t.Errorf("%d calls, %+v", len(calls), failures)
	}
}

// A program that runs into its limit is counted for its rule, once for each event, with how long it took.
func TestStatsTellWhoseProgramsTakeTooLong(t *testing.T) {
	r := compileText(t, inRule("track: {person: .id, name: a, data: {x: '= [range(0; infinite)]', z: '= .x'}}\n      "+
		"- track: {person: .id, name: b, data: {x: '= def f: f; f'}}")+
		"  - name: quick\n    event: e\n    do: [{track: {person: .id, name: a}}]\n")
	r.Map(new(message(`{"type":"e","id":1}`)))
	r.Map(new(message(`{"type":"e","id":2}`)))
	got := r.Stats()
	if got[0].TimedOut != 2 || got[0].Longest < time.Millisecond || got[0].Failed != 4 {
		t.Errorf("%+v, want two events that took long and four failures", got[0])
	}
	if got[1].TimedOut != 0 || got[1].Longest != 0 {
		t.Errorf("%+v of a rule that is quick", got[1])
	}
}

// An expression that is quick alone takes minutes where each item of a long list runs it over the whole list.
func TestAnEventHasOnlySoMuchTime(t *testing.T) {
	items := longtest.Either(2000, 5000)
	quickest, slowest := ".items | unique | length", "[.items[] | . * 2] | add"
	for _, value := range longtest.Either([]string{quickest}, []string{quickest, slowest}) {
		r := compileText(t, inRule("each: .items[]\n        "+
			"track: {person: .id, name: a, data: {sum: '= "+value+"'}}"))
		calls, failures := r.Map(new(message(`{"type":"e","id":1,"items":[` + strings.Repeat("1,", items-1) + `1]}`)))
		if len(calls) != 0 || len(failures) == 0 || failures[len(failures)-1].Reason != event.ReasonRuleError ||
			!strings.Contains(failures[len(failures)-1].Detail, "10 ms") &&
				!strings.Contains(failures[len(failures)-1].Detail, "as 25 may take alone") {
			t.Errorf("%s: %d calls, %d failures, the last %+v", value, len(calls), len(failures),
				failures[max(0, len(failures)-1):])
		}
	}
	quick := compileText(t,
		inRule("each: .items[]\n        track: {person: .id, name: a, data: {twice: '= $item * 2'}}"))
	calls, failures := quick.Map(new(message(`{"type":"e","id":1,"items":[` + strings.Repeat("1,", items-1) + `1]}`)))
	if len(calls) != items || len(failures) != 0 {
		t.Errorf("%d calls, %d failures", len(calls), len(failures))
	}
}

func TestStatsCountWhatRulesDid(t *testing.T) {
	r := compileText(t, inRule("track: {person: .id, name: a}\n    if: .ok")+
		"  - name: quiet\n    event: other\n    do: [{track: {person: .id, name: a}}]\n")
	for _, v := range []string{`{"type":"e","id":1,"ok":true}`, `{"type":"e","ok":true}`, `{"type":"e"}`,
		`{"type":"e"}`, `{"type":"x"}`} {
		r.Map(new(message(v)))
	}
	want := []mapping.RuleStats{{Rule: "r", Matched: 2, Skipped: 2, Calls: 1, Failed: 1}, {Rule: "quiet"}}
	if got := r.Stats(); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestMapIsSafeForSeveralGoroutines(t *testing.T) {
	config, _ := loadExamples(t)
	r, err := mapping.Compile(config)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := r.Map(new(message(orderEvent)))
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 200 {
				got, _ := r.Map(new(message(orderEvent)))
				for i := range got {
					if got[i].ID != want[i].ID || string(got[i].Body) != string(want[i].Body) {
						t.Errorf("call %d differs", i)
						return
					}
				}
			}
		})
	}
	wait.Wait()
}

const orderEvent = `{"type":"shop.order.completed","time":"2026-10-05T10:00:00Z",` +
	`"data":{"order_id":"o_1","customer_id":"c_7","total":12.5,"items":[{"sku":"a","price":1},{"sku":"b","price":2}]}}`

// The result must not change when the message's memory is used again.
func TestCallsOwnTheirMemory(t *testing.T) {
	config, _ := loadExamples(t)
	r, err := mapping.Compile(config)
	if err != nil {
		t.Fatal(err)
	}
	m := message(orderEvent)
	calls, _ := r.Map(&m)
	before := string(calls[0].Body) + string(calls[1].Body)
	for i := range m.Value {
		m.Value[i] = 'x'
	}
	r.Map(new(message(strings.ReplaceAll(orderEvent, "c_7", "c_8"))))
	if after := string(calls[0].Body) + string(calls[1].Body); after != before {
		t.Errorf("%s became %s", before, after)
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"a", "a", true}, {"a", "b", false}, {"a", "ab", false}, {"*", "", true}, {"*", "a.b", true},
		{"shop.*", "shop.order.completed", true}, {"shop.*", "shop", false},
		{"*.completed", "shop.order.completed", true},
		{"*.completed", "shop.order.completed.late", false}, {"a*b*c", "aXbYbZc", true}, {"a*b*c", "aXbYbZ", false},
		{"a**", "a", true},
	} {
		if got := mapping.Matches(c.pattern, c.s); got != c.want {
			t.Errorf("matches(%q, %q) = %v", c.pattern, c.s, got)
		}
	}
}
