package mapping_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
)

// Rules are read, compiled once, and then map any number of messages.
func ExampleCompile() {
	file, err := rulefile.Parse("orders.yaml", []byte(`
rules:
  - name: order completed
    event: shop.order.completed
    do:
      - identify: {person: .data.customer_id, attributes: {plan: .data.plan}}
      - track: {person: .data.customer_id, name: order_completed, data: {total: .data.total}}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	rules, err := mapping.Compile(mapping.Config{Rules: file.Rules})
	if err != nil {
		fmt.Println(err)
		return
	}
	calls, failures := rules.Map(&event.Message{
		Origin: event.Origin{Topic: "shop.orders", Partition: 3, Offset: 41},
		Time:   time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC),
		Value:  []byte(`{"type":"shop.order.completed","data":{"customer_id":"c_7","total":12.50}}`),
	})
	for _, c := range calls {
		fmt.Println(c.Step.Call, strings.ReplaceAll(string(c.Body), `,"`, ",\n  \""))
	}
	fmt.Println(len(failures), "failures")
	// Output:
	// identify {"type":"person",
	//   "action":"identify",
	//   "identifiers":{"id":"c_7"},
	//   "attributes":{}}
	// track:order_completed {"type":"person",
	//   "action":"event",
	//   "identifiers":{"id":"c_7"},
	//   "name":"order_completed",
	//   "id":"01M6B8TE804SQSS2TJQSBMYGNR",
	//   "timestamp":1793527200,
	//   "attributes":{"total":12.50}}
	// 0 failures
}

// What cannot become a call is a failure. It names the rule, the call and the field, and quotes nothing of the event.
func ExampleRules_Map_failure() {
	rules, err := mapping.Compile(mapping.Config{Rules: []mapping.Rule{{
		Name: "sign-up", Event: []string{"user.signed_up"},
		Do: []mapping.Action{{
			Action: customerio.Identify,
			Person: []mapping.Person{{Kind: customerio.Email, Value: mapping.Term{Program: ".email"}}},
		}},
	}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, failures := rules.Map(&event.Message{Value: []byte(`{"type":"user.signed_up","email":"Ada"}`)})
	for _, f := range failures {
		fmt.Printf("%s: rule %q, call %q, %s: %s\n", f.Reason, f.Rule, f.Call, f.Field, f.Detail)
	}
	// Output:
	// invalid_value: rule "sign-up", call "identify", person: .email is not an e-mail address
}

// The envelope of a topic says where its events keep their type, time and identity.
func ExampleRules_Inspect() {
	rules, err := mapping.Compile(mapping.Config{OnUnmatched: mapping.DeadLetter, Topics: []mapping.Topic{{
		Name: "billing.*",
		Envelope: mapping.Envelope{
			Type: mapping.Term{Program: ".kind"}, Time: mapping.Term{Program: ".at"}, ID: mapping.Term{Program: ".no"},
		},
	}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	m := event.Message{
		Origin: event.Origin{Topic: "billing.invoices"},
		Value:  []byte(`{"kind":"invoice.paid","at":"2026-10-05T08:30:00Z","no":1207}`),
	}
	e, err := rules.Inspect(m, 0)
	fmt.Println(e.Type, e.Time.UTC().Format(time.RFC3339), e.ID, err)

	m.Value = []byte(`{"at":"2026-10-05T08:30:00Z"}`)
	_, err = rules.Inspect(m, 0)
	fmt.Println(err)
	// Output:
	// invoice.paid 2026-10-05T08:30:00Z 1207 <nil>
	// no_type: .kind is null; want a string
}

// A change of rules can give calls another identity. Events that are read again after it count twice.
func ExampleCompareIdentities() {
	compile := func(rule, name string) *mapping.Rules {
		text := "rules: [{name: " + rule + ", event: bought, do: [{track: {person: .id, name: " + name + "}}]}]"
		file, err := rulefile.Parse("rules.yaml", []byte(text))
		if err != nil {
			panic(err)
		}
		rules, err := mapping.Compile(mapping.Config{Rules: file.Rules})
		if err != nil {
			panic(err)
		}
		return rules
	}
	for _, change := range mapping.CompareIdentities(compile("order", "bought"), compile("order", "order_bought")) {
		fmt.Printf("rule %s, call %s: %s\n", change.Rule, change.Call, change.Why)
	}
	// Output:
	// rule order, call track:bought: the rule has no call of this name any more; call: can give it back
}
