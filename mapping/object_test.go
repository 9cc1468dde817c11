package mapping_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/mapping"
)

// objectCase is a call that sends .o whole, and perhaps .p over it, and over both a field named email.
type objectCase struct {
	attributes bool // of identify, or else data of track
	both       bool
	named      bool
	erase      []mapping.Nothing
	except     []string
	remove     []string
}

func objectCaseOf(bits byte) objectCase {
	c := objectCase{attributes: bits&1 != 0, both: bits&2 != 0, named: bits&4 != 0}
	if bits&8 != 0 {
		c.except = []string{"plan", "a.b", "email"}
	}
	if !c.attributes {
		return c
	}
	if bits&16 != 0 {
		c.erase = append(c.erase, mapping.NullValue)
	}
	if bits&32 != 0 {
		c.erase = append(c.erase, mapping.EmptyValue)
	}
	if bits&64 != 0 {
		c.remove = []string{"gone", "seats"}
	}
	return c
}

func program(text string) mapping.Term { return mapping.Term{Program: text} }

func (c *objectCase) rules(fields []mapping.Field, except []string) (*mapping.Rules, error) {
	a := mapping.Action{Action: customerio.Track, Name: mapping.Term{Literal: `"x"`}, Fields: fields, Except: except}
	if c.attributes {
		a.Action, a.Name = customerio.Identify, mapping.Term{}
		a.Erase, a.Remove = c.erase, c.remove
	}
	a.Call = "call"
	a.Person = []mapping.Person{{Kind: customerio.ID, Value: program(".id")}}
	return mapping.Compile(mapping.Config{OnInvalid: mapping.DeadLetter,
		Rules: []mapping.Rule{{Name: "r", Event: []string{"e"},
			Do: []mapping.Action{a}}}})
}

// whole is the rule that sends objects whole.
func (c *objectCase) whole() (*mapping.Rules, error) {
	fields := []mapping.Field{{Value: program(".o"), Whole: true}}
	if c.both {
		fields = append(fields, mapping.Field{Value: program(".p"), Whole: true})
	}
	if c.named {
		fields = append(fields, mapping.Field{Name: "email", Value: program(".n")})
	}
	return c.rules(fields, c.except)
}

// slowly is the rule that names each value that the whole objects of an event send.
func (c *objectCase) slowly(e map[string]json.RawMessage) (*mapping.Rules, error) {
	from := map[string]string{}
	merge := func(object string) error {
		var members map[string]json.RawMessage
		if text := e[object]; string(text) != "null" {
			if err := json.Unmarshal(text, &members); err != nil {
				return err
			}
		}
		for name, value := range members {
			if !slices.Contains(c.except, name) && !slices.Contains(c.remove, name) && c.counts(name, value) {
				from[name] = "." + object + "[" + jsontext.Of(name) + "]"
			}
		}
		return nil
	}
	if err := merge("o"); err != nil {
		return nil, err
	}
	if c.both {
		if err := merge("p"); err != nil {
			return nil, err
		}
	}
	if n := e["n"]; c.named && n != nil && c.counts("email", n) {
		from["email"] = ".n"
	}
	var fields []mapping.Field
	for _, name := range slices.Sorted(maps.Keys(from)) {
		fields = append(fields, mapping.Field{Name: name, Value: program(from[name])})
	}
	return c.rules(fields, nil)
}

// counts reports whether a value is sent or erases what it names.
func (c *objectCase) counts(name string, value json.RawMessage) bool {
	guarded := customerio.AttributeKindOf(name).MustNotVanish()
	switch string(value) {
	case "null":
		return !guarded && slices.Contains(c.erase, mapping.NullValue)
	case `""`:
		return !c.attributes || !guarded && slices.Contains(c.erase, mapping.EmptyValue)
	}
	return true
}

// comparable is a call in a form in which the order of members and lanes does not count.
func comparable(t *testing.T, c *event.Call) string {
	var body map[string]any
	d := json.NewDecoder(strings.NewReader(string(c.Body)))
	d.UseNumber()
	if err := d.Decode(&body); err != nil {
		t.Fatalf("not JSON: %v in %s", err, c.Body)
	}
	if attributes, ok := body["attributes"].(map[string]any); ok && len(attributes) == 0 {
		delete(body, "attributes") // the slow way has no field at all
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	lanes := slices.Clone(c.Lanes)
	slices.Sort(lanes)
	return fmt.Sprint(c.ID, string(text), lanes, c.Single)
}

// compareObjects maps an event by whole objects and by the slow way, and wants the same calls or a failure of both.
func compareObjects(t *testing.T, value string, bits byte) {
	t.Helper()
	c := objectCaseOf(bits)
	rules, err := c.whole()
	if err != nil {
		t.Fatal(err)
	}
	m := message(value)
	calls, failures := rules.Map(&m)
	var e map[string]json.RawMessage
	if json.Unmarshal(m.Value, &e) != nil || len(failures) > 0 && failures[0].Rule == "" ||
		len(calls)+len(failures) == 0 {
		return // no event, or one of another type
	}
	for _, name := range []string{"o", "p"} {
		if e[name] == nil {
			e[name] = json.RawMessage("null")
		}
	}
	slow, err := c.slowly(e)
	if err != nil {
		nameless := !c.attributes && len(calls) > 0 &&
			slices.Contains(memberNames(t, calls[0].Body), "") // which data may have
		if len(failures) == 0 && !nameless {
			t.Errorf("%s\nbits %b: the slow way refuses it: %v\nand it became %s", value, bits, err, calls[0].Body)
		}
		return
	}
	slowCalls, slowFailures := slow.Map(&m)
	if len(calls) != len(slowCalls) || len(failures) != len(slowFailures) {
		t.Fatalf("%s\nbits %b\ngave %d calls, %+v\nslowly %d, %+v", value, bits, len(calls), failures, len(slowCalls),
			slowFailures)
	}
	for i := range calls {
		got, want := comparable(t, &calls[i]), comparable(t, &slowCalls[i])
		if got != want {
			t.Fatalf("%s\nbits %b\ngave   %s\nslowly %s", value, bits, got, want)
		}
		names := memberNames(t, calls[i].Body)
		if slices.Sort(names); len(slices.Compact(slices.Clone(names))) != len(names) {
			t.Errorf("%s\nbits %b: a name is there twice in %s", value, bits, calls[i].Body)
		}
	}
}

// memberNames are the names of the attributes of a call, as often as they are there.
func memberNames(t *testing.T, body []byte) []string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(body)))
	var names []string
	depth, inside, key := 0, false, true
	for {
		tok, err := d.Token()
		if err != nil {
			return names
		}
		switch v := tok.(type) {
		case json.Delim:
			if v == '{' || v == '[' {
				depth++
			} else {
				depth--
			}
			key = true
		case string:
			if depth == 1 && key && v == "attributes" {
				inside = true
			} else if depth == 2 && inside && key {
				names = append(names, v)
			}
			key = !key
		default:
			key = true
		}
	}
}

func FuzzObjects(f *testing.F) {
	for i, o := range objectSeeds {
		if !longtest.On() && i%3 > 0 {
			continue
		}
		f.Add(`{"type":"e","id":"p1","o":`+o+`,"p":{"plan":"b","x":null},"n":"n@example.com"}`, byte(0x7f))
		f.Add(`{"type":"e","id":"p1","o":{"plan":"b","":1},"p":`+o+`}`, byte(0x03))
	}
	f.Fuzz(compareObjects)
}

var objectSeeds = []string{
	`{}`, `{ }`, `null`, `[1]`, `"text"`, `{"a":1}`, "{\n \"a\" : 1 , \"b\" :\t{\"c\": [null, \"\\\"\"]}\n}",
	`{"pl\u0061n":"x","plan2":null}`, `{"cio_id":"1"}`, `{"cio_relationships":[]}`, `{"_x":1}`, `{"_update":true}`,
	`{"email":"A@b.c","id":"other","phone":"+4712345678","anonymous_id":"q"}`, `{"email":"","id":null,"phone":""}`,
	`{"created_at":1700000000,"unsubscribed":"TRUE"}`, `{"created_at":"soon"}`, `{"unsubscribed":null,"seats":""}`,
	`{"gone":1,"seats":2,"a.b":3,"a":{"b":4}}`, `{"id":0}`, `{"\ud83d\ude00":"\ud83d\ude00"}`, `{"plan":""}`,
	`{"` + strings.Repeat("n", 151) + `":1}`, `{"bio":"` + strings.Repeat("x", 1001) + `"}`,
	`{"bio":"` + strings.Repeat(`\u0061`, 1000) + `"}`, manyMembers(299), manyMembers(300), manyMembers(301),
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"m%d":%d`, i, i)
	}
	return "{" + b.String()[1:] + "}"
}

// TestObjectsAreSentAsNamedFieldsAre compares both ways for objects of all kinds of members.
func TestObjectsAreSentAsNamedFieldsAre(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 1))
	for _, o := range objectSeeds {
		for range longtest.Either(1, 6) {
			compareObjects(t, `{"type":"e","id":"p1","o":`+o+`,"p":{"plan":"b","x":null},"n":"n@example.com"}`,
				byte(rng.IntN(0x80)))
		}
	}
	names := []string{"plan", "email", "id", "phone", "x", "seats", "gone", "a.b", `pl\u0061n`, "created_at",
		"unsubscribed", "_x", `\"`, "é"}
	values := []string{"null", `""`, "1", "true", `"t"`, `"a@b.c"`, `"+4712345678"`, `{"n":null}`, `[""]`, "1700000000",
		`" x "`, `"\u0000"`, "1.5e3"}
	object := func() string {
		var members []string
		used := map[string]bool{}
		for range rng.IntN(6) {
			name := names[rng.IntN(len(names))]
			if key := strings.ReplaceAll(name, `\u0061`, "a"); !used[key] {
				used[key] = true
				members = append(members, `"`+name+`":`+values[rng.IntN(len(values))])
			}
		}
		return "{" + strings.Join(members, ",") + "}"
	}
	for range longtest.Either(60, 600) {
		compareObjects(t, fmt.Sprintf(`{"type":"e","id":"p1","o":%s,"p":%s,"n":%s}`, object(), object(),
			values[rng.IntN(len(values))]), byte(rng.IntN(0x80)))
	}
}

// TestAnObjectMayBeMadeByAProgram tries objects that do not stand in the event as they are.
func TestAnObjectMayBeMadeByAProgram(t *testing.T) {
	for name, c := range map[string]struct{ action, event, want string }{
		"sum": {`track: {person: .id, name: x, data: '= .o + {a: 1, n: null}'}`,
			`{"type":"e","id":"1","o":{"a":2,"b":[]}}`, `{"a":1,"b":[]}`},
		"or else": {`track: {person: .id, name: x, data: '.o // {}'}`, `{"type":"e","id":"1"}`, `{}`},
		"deleted": {`track: {person: .id, name: x, data: '= del(.o.a.b)'}`,
			`{"type":"e","id":"1","o":{"a":{"b":1,"c":2}}}`, `{"id":"1","o":{"a":{"c":2}},"type":"e"}`},
		"headers": {`track: {person: .id, name: x, data: $message.headers}`, `{"type":"e","id":"1"}`, `{}`},
		"an item": {`{each: '.l[]', track: {person: .id, name: x, data: [$item, {"n": .n}]}}`,
			`{"type":"e","id":"1","n":7,"l":[{"a":1,"n":2}]}`, `{"a":1,"n":7}`},
		"later null": {`track: {person: .id, name: x, data: [.o, {a: .missing}]}`,
			`{"type":"e","id":"1","o":{"a":1}}`, `{"a":1}`},
		"named first": {`track: {person: .id, name: x, data: [{a: .id}, .o]}`,
			`{"type":"e","id":"1","o":{"a":2}}`, `{"a":2}`},
	} {
		calls, failures := compileText(t, inRule(c.action)).Map(new(message(c.event)))
		if len(calls) != 1 || len(failures) > 0 {
			t.Errorf("%s: %d calls, %+v", name, len(calls), failures)
			continue
		}
		var item struct{ Attributes map[string]any }
		var want map[string]any
		if err := json.Unmarshal(calls[0].Body, &item); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(c.want), &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(item.Attributes, want) {
			t.Errorf("%s: got %s, want %s", name, calls[0].Body, c.want)
		}
	}
}
