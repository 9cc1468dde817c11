package mapping_test

import (
	"fmt"

	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
	"github.com/ciobridge/ciobridge/mapping/ruletest"
)

// The tests of a rule file run against its rules. The second one here wants another plan than the rule gives.
func ExampleRun() {
	file, err := rulefile.Parse("people.yaml", []byte(`
rules:
  - name: sign-up
    event: user.signed_up
    do: [{identify: {person: .id, attributes: {plan: .plan}}}]
tests:
  - name: the plan is kept
    given: {event: {type: user.signed_up, id: c_7, plan: pro}}
    want: {identify: {person: c_7, attributes: {plan: pro}}}
  - name: everybody begins for free
    given: {event: {type: user.signed_up, id: c_7, plan: pro}}
    want: {identify: {attributes: {plan: free}}}
  - name: nobody signs up without an id
    given: {event: {type: user.signed_up, plan: pro}}
    want: {dead_letter: missing_field}
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
	for _, result := range ruletest.Run(rules, file.Tests, ".") {
		fmt.Printf("%s: %s %q\n", result.Place, result.Name, result.Diffs)
	}
	// Output:
	// people.yaml:7:5: the plan is kept []
	// people.yaml:10:5: everybody begins for free ["call 1 identify.attributes.plan: want \"free\", got \"pro\""]
	// people.yaml:13:5: nobody signs up without an id []
}
