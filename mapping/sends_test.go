package mapping_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
)

// sends are steps, each with its event, of all actions that send.
var sends = map[string]string{
	`send_email: {person: .id, transactional_message_id: 3, to: .to}`:         "email",
	`send_push: {person: .id, transactional_message_id: 3}`:                   "push",
	`send_sms: {person: .id, transactional_message_id: 3, to: .phone}`:        "sms",
	`send_whatsapp: {person: .id, transactional_message_id: 3, to: .phone}`:   "whatsapp",
	`send_in_app: {person: .id, transactional_message_id: 3}`:                 "in_app",
	`send_inbox_message: {person: .id, transactional_message_id: 3, to: .to}`: "inbox_message",
	`trigger_broadcast: {broadcast: 8, emails: [.to]}`:                        "",
}

const sendEvent = `{"type":"e","id":"u-1","to":"Ann@example.com","phone":"+4712345678","at":%d}`

// What is sent goes alone, through the ledger, with the App key, to the destination of its pace in its workspace.
func TestSendsGoOnceOverApp(t *testing.T) {
	for step, channel := range sends {
		rules := compileWith(t, mapping.Config{Workspaces: []string{"shop_us"}},
			inRule(step+"\n      - {call: other, workspace: shop_us, "+step+"}"))
		endpoint := customerio.Transactional
		if channel == "" {
			endpoint = customerio.Broadcast
		}
		want := []mapping.Use{{API: customerio.AppAPI, Workspace: 0, Rule: "r"},
			{API: customerio.AppAPI, Workspace: 1, Rule: "r"}}
		if uses := rules.Uses(); !rules.Once() || !slices.Equal(uses, want) {
			t.Errorf("%s: once %t, uses %+v", step, rules.Once(), uses)
		}
		calls, failures := rules.Map(new(message(fmt.Sprintf(sendEvent, 1))))
		if len(calls) != 2 || len(failures) > 0 {
			t.Fatalf("%s: %d calls, %+v", step, len(calls), failures)
		}
		for i, c := range calls {
			if !c.Step.Once || c.Step.Repeatable || c.Single == nil || c.Single.Shared || c.SharesRequest(&c) ||
				c.Destination() != event.Destination(endpoint.In(i)) {
				t.Errorf("%s: %+v to %d", step, c.Step, c.Destination())
			}
		}
		if slices.ContainsFunc(calls[0].Lanes, func(l event.Lane) bool { return slices.Contains(calls[1].Lanes, l) }) {
			t.Errorf("%s: calls of two workspaces wait for each other", step)
		}
	}
}

// A message is about its person, and about the addresses and numbers that the event gives; a broadcast to one person is
// about that person, and one to several is about nobody. It waits in the lanes of all.
func TestWhomSendsAreAbout(t *testing.T) {
	for step, want := range map[string]string{
		`send_email: {person: .id, transactional_message_id: 3, to: [.to, ops@example.com], cc: .cc}`: "3 " +
			"id:u-1 email:ann@example.com email:bo@example.com",
		`send_email: {person: {email: .to}, transactional_message_id: 3, to: '="Ann <\(.to)>"'}`: "1 " +
			"email:ann@example.com",
		`send_sms: {person: .id, transactional_message_id: 3, to: .phone}`: "2 id:u-1 phone:+4712345678",
		`send_push: {person: .id, transactional_message_id: 3, to: .to}`:   "1 id:u-1",
		`trigger_broadcast: {broadcast: 8}`:                                "1",
		`trigger_broadcast: {broadcast: 8, emails: .to}`:                   "2 email:ann@example.com",
		`trigger_broadcast: {broadcast: 8, emails: [.to, c@example.com]}`:  "3",
		`trigger_broadcast: {broadcast: 8, per_user_data: [{id: .id}]}`:    "2 id:u-1",
		`trigger_broadcast: {broadcast: 8, ids: [.id, .to]}`:               "3",
	} {
		rules := compileWith(t, mapping.Config{About: true}, inRule(step))
		calls, failures := rules.Map(new(message(`{"type":"e","id":"u-1","to":"Ann@example.com","phone":"+4712345678",` +
			`"cc":"Bo <bo@example.com>"}`)))
		if len(calls) != 1 || len(failures) > 0 {
			t.Fatalf("%s: %d calls, %+v", step, len(calls), failures)
		}
		got := strings.TrimSpace(fmt.Sprint(len(calls[0].Lanes), " ", strings.Join(calls[0].About.Persons, " ")))
		if got != want {
			t.Errorf("%s: %s, want %s", step, got, want)
		}
	}
}

// A message for an event that is too old is sent, left out or a dead letter, as for events that trigger something.
func TestMessagesThatComeTooLate(t *testing.T) {
	for step := range sends {
		f, err := rulefile.Parse("r", []byte(inRule(step)+"    time: .at\n"))
		if err != nil {
			t.Fatal(err)
		}
		for then, want := range map[mapping.Policy][2]int{
			"": {1, 0}, mapping.Send: {1, 0}, mapping.Skip: {0, 0}, mapping.DeadLetter: {0, 1},
		} {
			rules, err := mapping.Compile(mapping.Config{Rules: f.Rules, TooLate: mapping.TooLate{Then: then}})
			if err != nil {
				t.Fatal(err)
			}
			late := message(fmt.Sprintf(sendEvent, time.Now().Add(-73*time.Hour).Unix()))
			calls, failures := rules.Map(&late)
			if len(calls) != want[0] || len(failures) != want[1] ||
				want[1] > 0 && (failures[0].Reason != event.ReasonTooLate ||
					!strings.HasSuffix(failures[0].Detail, "the message would come too late")) {
				t.Errorf("%s, %s: %d calls, %+v", step, then, len(calls), failures)
			}
			if calls, _ := rules.ForReplay().Map(&late); len(calls) != 1 {
				t.Errorf("%s, %s: a replay sends %d", step, then, len(calls))
			}
		}
	}
}
