package replay

import (
	"fmt"
	"testing"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
)

// What became of letters is told by reason and detail, the most first; of endless many details the later ones are one
// group a reason.
func TestGroupsAreBounded(t *testing.T) {
	r := &Replay{groups: map[Group]int{}}
	failure := func(detail string) *event.Failure {
		return &event.Failure{Rule: "order", Reason: event.ReasonMissingField, Field: "person", Detail: detail}
	}
	for range 3 {
		r.countIn(groupOf(BecameFailedAgain, failure(".user is absent or null")))
	}
	r.leave(&deadletter.Letter{Failure: *failure("cut")}, func(p *Progress) { p.Truncated++ })
	for i := range 10 * mostGroups {
		r.countIn(groupOf(BecameDelivered, failure(fmt.Sprint(i))))
	}
	list := r.Groups()
	if len(list) != mostGroups+1 || r.progress.Truncated != 1 {
		t.Fatalf("%d groups", len(list))
	}
	rest := Group{Became: BecameDelivered, Rule: "order", Reason: event.ReasonMissingField,
		Letters: 10*mostGroups - mostGroups + 2}
	again := Group{Became: BecameFailedAgain, Rule: "order", Reason: event.ReasonMissingField, Field: "person",
		Detail: ".user is absent or null", Letters: 3}
	if list[0] != rest || list[len(list)-2] != again || list[len(list)-1].Became != BecameLeftOpen {
		t.Errorf("%+v … %+v", list[0], list[len(list)-2:])
	}
}
