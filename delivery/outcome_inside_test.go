package delivery

import (
	"testing"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
)

// TestWhatIsAtFault: a request is at fault exactly where it was refused, with a 4xx, for something in it: then one of
// its calls is the cause. Being asked to wait, refused credentials and a server that fails say nothing of the kind.
func TestWhatIsAtFault(t *testing.T) {
	calls := make([]event.Call, 2)
	for i := range calls {
		calls[i].Step = &event.Step{Rule: "r", Call: "track"}
	}
	said := customerio.ErrorBody{Shape: customerio.ShapeWhole}
	for status := range 600 {
		for n := 1; n <= len(calls); n++ {
			for _, endpoint := range customerio.Endpoints() {
				answer := customerio.Answer{Status: status, Sent: true}
				answer.Verdict = customerio.VerdictOf(endpoint, status, n > 1, said)
				if answer.Verdict == customerio.Halt {
					answer.Cause = customerio.CauseCredentials
				}
				for _, o := range outcomesOf(calls[:n], answer) {
					if want := o.Suspect && status/100 == 4; o.AtFault != want {
						t.Errorf("%s, status %d, %d calls: at fault %t, want %t", endpoint, status, n, o.AtFault, want)
					}
				}
			}
		}
	}
}
