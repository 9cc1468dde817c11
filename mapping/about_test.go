package mapping_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
)

const aboutRules = `rules:
  - name: order
    event: order
    time: .at
    do:
      - identify: {person: .user, attributes: {email: .mail, plan: x}}
      - each: .friends[]
        track: {person: {email: $item}, name: invited}
  - name: gone
    event: gone
    do: [{delete: {person: [{id: .user}, {email: .mail}, {phone: .phone}]}}]
  - name: back
    event: back
    revive: true
    do: [{identify: {person: .user}}]
`

// Calls tell whom they are about where somebody asks, and what is sent is the same.
func TestCallsTellWhomTheyAreAbout(t *testing.T) {
	compile := func(about bool) *mapping.Rules {
		f, err := rulefile.Parse("rules.yaml", []byte(aboutRules))
		if err != nil {
			t.Fatal(err)
		}
		rules, err := mapping.Compile(mapping.Config{Rules: f.Rules, Allow: []string{"delete"}, About: about})
		if err != nil {
			t.Fatal(err)
		}
		return rules
	}
	plain, asked := compile(false), compile(true)
	if plain.Hash() != asked.Hash() {
		t.Error("the digest of the rules differs")
	}
	stored := time.Unix(1_790_000_000, 0)
	for value, want := range map[string][][]string{
		`{"type":"order","user":"u1","mail":"Ann@X.org","at":1780000000,"friends":["B@x.org","c@x.org"]}`: {
			{"id:u1", "email:ann@x.org"}, {"email:b@x.org"}, {"email:c@x.org"}},
		`{"type":"gone","user":"u1","mail":"Ann@X.org"}`: {{"id:u1", "email:ann@x.org"}},
		`{"type":"gone","mail":"a@x.org","phone":"no"}`:  {{"email:a@x.org"}},
		`{"type":"back","user":7}`:                       {{"id:7"}},
	} {
		m := event.Message{Origin: event.Origin{Topic: "t", Offset: 3}, Value: []byte(value), Time: stored}
		calls, failures := asked.Map(&m)
		if len(failures) > 0 || len(calls) != len(want) {
			t.Fatalf("%s: %d calls, %v", value, len(calls), failures)
		}
		before, _ := plain.Map(&m)
		for i, c := range calls {
			if !slices.Equal(c.About.Persons, want[i]) || c.About.Origin != m.Origin || !c.About.Stored.Equal(stored) {
				t.Errorf("%s: call %d is about %+v", value, i, c.About)
			}
			if len(c.Lanes) != len(want[i]) {
				t.Errorf("%s: call %d has %d lanes", value, i, len(c.Lanes))
			}
			if b := before[i]; b.About != nil || b.ID != c.ID || string(b.Body) != string(c.Body) {
				t.Errorf("%s: call %d is another one: %s", value, i, c.Body)
			}
		}
		step := calls[0].Step
		if got, want := fmt.Sprint(step.Fence, step.Revives), map[string]string{
			"order": "0 false", "gone": "1 false", "back": "0 true"}[step.Rule]; got != want {
			t.Errorf("%s: %s, want %s", step.Rule, got, want)
		}
	}
	calls, _ := asked.Map(&event.Message{Value: []byte(`{"type":"order","user":"u","at":1780000000,"friends":[]}`)})
	if at := calls[0].About.Time; at.Unix() != 1_780_000_000 {
		t.Errorf("the time is %v", at)
	}
}

// What erases somebody and what brings them back are not one rule.
func TestARuleDoesNotEraseAndRevive(t *testing.T) {
	f, err := rulefile.Parse("rules.yaml", []byte(`rules:
  - name: r
    event: e
    revive: true
    do: [{delete: {person: .user}}]
`))
	if err != nil {
		t.Fatal(err)
	}
	_, err = mapping.Compile(mapping.Config{Rules: f.Rules, Allow: []string{"delete"}})
	if want := "rules.yaml:5:10: rules[0].do[0]: delete erases the person, and revive: true of its rule brings " +
		"them back: use two rules"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	if _, err := rulefile.Parse("rules.yaml", []byte("rules: [{name: r, event: e, revive: maybe, do: [{identify: "+
		"{person: .u}}]}]")); err == nil {
		t.Error("revive: maybe is read")
	}
}

// Of an action that names two people both are told; a person of a segment is one as well.
func TestCallsTellEverybodyTheyAreAbout(t *testing.T) {
	f, err := rulefile.Parse("rules.yaml", []byte(`rules:
  - name: r
    event: e
    do:
      - merge: {primary: {email: .email}, secondary: .old_id}
      - add_to_segment: {person: .id, segment: 7}
`))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := mapping.Compile(mapping.Config{Rules: f.Rules, Allow: []string{"merge"}, About: true})
	if err != nil {
		t.Fatal(err)
	}
	calls, failures := rules.Map(&event.Message{Value: []byte(`{"type":"e","id":"7","email":"Ann@x.org","old_id":"3"}`)})
	if len(calls) != 2 || len(failures) > 0 {
		t.Fatalf("%d calls, %v", len(calls), failures)
	}
	for i, want := range [][]string{{"email:ann@x.org", "id:3"}, {"id:7"}} {
		if got := calls[i].About.Persons; !slices.Equal(got, want) {
			t.Errorf("%s is about %v, want %v", calls[i].Step.Action, got, want)
		}
	}
}
