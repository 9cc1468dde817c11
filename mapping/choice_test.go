package mapping_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
)

// The same steps, once chosen by the event and once each with a condition. Identities know no difference.
const (
	chosenSteps = `
      - action: .op
        any_of:
          - identify: {person: .id, attributes: .traits}
            is: [create, update, "über"]
          - delete: {person: .id}
          - track: {person: .id, name: looked, data: {at: .at}}
          - track: {person: .id, name: bought}
            is: "buy\"\u0001"
          - add_to_segment: {person: .id, segment: .segment}
            is: join
          - pageview: {person: .id, name: $item}
            each: .pages[]?
            is: pages
`
	plainSteps = `
      - identify: {person: .id, attributes: .traits}
        if: .op == "create" or .op == "update" or .op == "über"
      - delete: {person: .id}
        if: .op == "delete"
      - track: {person: .id, name: looked, data: {at: .at}}
        if: .op == "track"
      - track: {person: .id, name: bought}
        if: '.op == "buy\"\u0001"'
      - add_to_segment: {person: .id, segment: .segment}
        if: .op == "join"
      - pageview: {person: .id, name: $item}
        each: .pages[]?
        if: .op == "pages"
`
)

func compileSteps(t testing.TB, steps string) *mapping.Rules {
	t.Helper()
	file, err := rulefile.Parse("r.yaml", []byte("rules:\n  - name: r\n    event: e\n    do:"+steps))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := mapping.Compile(mapping.Config{Rules: file.Rules, Allow: []string{"delete"}})
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// FuzzChoice: whatever stands where the action is looked for, the event becomes what the step that it names makes of
// it, with the identity that the step has by itself, or one failure that says nothing of the value.
func FuzzChoice(f *testing.F) {
	for _, op := range []string{`"create"`, `"cre\u0061te"`, `"delete"`, `"track"`, `"pages"`, `"join"`,
		`"buy\"\u0001"`, `"Delete"`, `""`, `"\u00fcber"`, `null`, `1`, `true`, `{"delete":"delete"}`, `["delete"]`,
		`"ann@example.com"`, `"` + strings.Repeat("delete", 1000) + `"`} {
		f.Add([]byte(op), []byte(`"7"`), []byte(`4`))
	}
	chosen, skipping := compileSteps(f, chosenSteps), compileSteps(f, chosenSteps+"        else: skip\n")
	plain := compileSteps(f, plainSteps)
	if changed := mapping.CompareIdentities(plain, chosen); len(changed) > 0 {
		f.Errorf("moving steps into a choice changes identities: %v", changed)
	}
	f.Fuzz(func(t *testing.T, op, id, segment []byte) {
		m := event.Message{Value: fmt.Appendf(nil, `{"type":"e","op":%s,"id":%s,"segment":%s,"pages":["a",1,"b"],`+
			`"traits":{"plan":"gold"}}`, op, id, segment)}
		if !json.Valid(m.Value) {
			return
		}
		calls, failures := chosen.Map(&m)
		again, failedAgain := chosen.Map(&m)
		if readable(calls) != readable(again) || !reflect.DeepEqual(failures, failedAgain) {
			t.Errorf("it is not the same twice: %v %v", calls, again)
		}
		wantCalls, wantFailures := plain.Map(&m)
		if len(wantCalls)+len(wantFailures) == 0 && len(failures) == 1 && failures[0].Field == "action" {
			checkUnlisted(t, failures[0], op)
			if calls, failures = skipping.Map(&m); len(calls)+len(failures) > 0 {
				t.Errorf("skipped, and yet %v %v", calls, failures)
			}
			return
		}
		for i := range wantFailures {
			wantFailures[i].Rules = chosen.Hash()
		}
		if withoutSteps(calls) != withoutSteps(wantCalls) || !reflect.DeepEqual(failures, wantFailures) {
			t.Errorf("chosen %v %v, by itself %v %v", calls, failures, wantCalls, wantFailures)
		}
	})
}

// withoutSteps shows calls without what only pointers tell apart.
func withoutSteps(calls []event.Call) string {
	var b strings.Builder
	for _, c := range calls {
		step := *c.Step
		step.Rules = "" // the hash is another
		fmt.Fprintln(&b, c.ID, step, string(c.Body), c.Lanes, c.Single != nil)
	}
	return b.String()
}

func checkUnlisted(t *testing.T, f event.Failure, op []byte) {
	t.Helper()
	if f.Rule != "r" || f.Call != "action" ||
		f.Reason != event.ReasonInvalidValue && f.Reason != event.ReasonMissingField {
		t.Errorf("an incomplete failure %+v", f)
	}
	var text string
	if json.Unmarshal(op, &text) == nil && len(text) > 12 && strings.Contains(f.Detail, text) {
		t.Errorf("the failure quotes the value: %s", f.Detail)
	}
}

// TestRepairedChoices: a repaired event's call keeps the identity of the letter, whatever it chooses, and so do those
// of items; other items keep their own.
func TestRepairedChoices(t *testing.T) {
	rules := compileSteps(t, `
      - action: .op
        any_of: [track: {person: .id, name: a}]
      - action: $item
        each: .list[]
        call: items
        any_of: [pageview: {person: .id, name: b}, screen: {person: .id, name: c}]
`)
	broken := event.Message{Value: []byte(`{"type":"e","id":"7","op":"trak","list":["pageview","x","screen","y"]}`)}
	calls, failures := rules.Map(&broken)
	if len(calls) != 2 || len(failures) != 3 {
		t.Fatalf("%v %v", calls, failures)
	}
	mended := broken
	mended.Value = []byte(`{"type":"e","id":"7","op":"track","list":["pageview","screen","screen","pageview"]}`)
	repaired, failed := rules.MapRepaired(&mended, failures, broken.Value)
	if len(repaired) != 5 || len(failed) > 0 {
		t.Fatalf("%v %v", repaired, failed)
	}
	want := []event.ID{failures[0].ID, calls[0].ID, failures[1].ID, calls[1].ID, failures[2].ID}
	for i, c := range repaired {
		if c.ID != want[i] {
			t.Errorf("call %d (%s) has the identity %s, want %s", i, c.Step.Call, c.ID, want[i])
		}
	}
}

// TestChoicesOfManyWorkspaces: a step goes to its own workspace, or to that of its choice, or of its rule.
func TestChoicesOfManyWorkspaces(t *testing.T) {
	file, err := rulefile.Parse("r.yaml", []byte(`
rules:
  - name: r
    event: e
    workspace: one
    do:
      - action: .op
        workspace: two
        any_of:
          - identify: {person: .id}
            workspace: three
          - track: {person: .id, name: x}
      - action: .op
        any_of: [identify: {person: .id}, track: {person: .id, name: z}]
`))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := mapping.Compile(mapping.Config{Rules: file.Rules, Workspaces: []string{"one", "two", "three"}})
	if err != nil {
		t.Fatal(err)
	}
	for op, want := range map[string]string{"identify": "three one", "track": "two one"} {
		calls, failures := rules.Map(&event.Message{Value: []byte(`{"type":"e","id":"7","op":"` + op + `"}`)})
		var got bytes.Buffer
		for _, c := range calls {
			got.WriteString(" " + c.Step.Workspace)
		}
		if strings.TrimSpace(got.String()) != want || len(failures) > 0 {
			t.Errorf("%s goes to%s, want %s; %v", op, &got, want, failures)
		}
	}
	if got := file.Rules[0].Workspaces(); strings.TrimSpace(strings.Join(got, " ")) != "one two three" {
		t.Errorf("the rule names %q", got)
	}
}

// TestAChosenActionHasToBeAllowed: an event cannot have deleted what no configuration allows.
func TestAChosenActionHasToBeAllowed(t *testing.T) {
	file, err := rulefile.Parse("r.yaml", []byte("rules:\n  - name: r\n    event: e\n    do:"+chosenSteps))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := mapping.Compile(mapping.Config{Rules: file.Rules})
	if err != nil {
		t.Fatal(err)
	}
	const place = "r.yaml:9:13: rules[0].do[0].any_of[1]: delete is not allowed"
	if w := rules.Warnings(); len(w) != 1 || !strings.HasPrefix(w[0].Error(), place) {
		t.Errorf("warnings: %v", w)
	}
	calls, failures := rules.Map(&event.Message{Value: []byte(`{"type":"e","id":"7","op":"delete"}`)})
	if len(calls) > 0 || len(failures) != 1 || failures[0].Reason != event.ReasonNotAllowed ||
		failures[0].Call != "delete" {
		t.Errorf("%v %v", calls, failures)
	}
}

// TestWhatAnEventChoosesWaitsForThePerson: whichever step is taken, and wherever its call goes, it has the lane of its
// person, in which the calls of a person leave in the order of their events.
func TestWhatAnEventChoosesWaitsForThePerson(t *testing.T) {
	file, err := rulefile.Parse("r.yaml", []byte("rules:\n  - name: r\n    event: e\n    do:"+chosenSteps+
		"          - request: {api: app, method: GET, path: /customers, person: .id}\n"))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := mapping.Compile(mapping.Config{Rules: file.Rules, Allow: []string{"delete", "request"}})
	if err != nil {
		t.Fatal(err)
	}
	destinations := map[event.Destination]bool{}
	for _, op := range []string{"create", "delete", "track", "join", "request"} {
		m := event.Message{Value: []byte(`{"type":"e","id":"7","segment":4,"op":"` + op + `"}`)}
		calls, failures := rules.Map(&m)
		if len(calls) != 1 || len(failures) > 0 {
			t.Fatalf("%s: %v %v", op, calls, failures)
		}
		to := calls[0].Step.Destination
		if calls[0].Single != nil {
			to = calls[0].Single.Destination
		}
		destinations[to] = true
		if want := event.LaneKindOf("id").Of([]byte("7")); len(calls[0].Lanes) != 1 || calls[0].Lanes[0] != want {
			t.Errorf("%s: lanes %v, want %v", op, calls[0].Lanes, want)
		}
	}
	if len(destinations) != 3 {
		t.Errorf("the calls go to %v, want three destinations", destinations)
	}
}
