package delivery

import (
	"net/http"
	"slices"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
)

// delivered are the outcomes of a request that was taken whole, which nearly all are. Nobody writes to them.
var delivered = filled(customerio.MaxBatchItems)

// filled makes the outcomes of so many calls that were delivered.
func filled(n int) []event.Outcome {
	outcomes := make([]event.Outcome, n)
	for i := range outcomes {
		outcomes[i].Result = event.Delivered
	}
	return outcomes
}

// numbered are outcomes that tell their request.
func numbered(outcomes []event.Outcome, number int64, status int) []event.Outcome {
	outcomes = slices.Clone(outcomes) // which others may share
	for i := range outcomes {
		outcomes[i].Request, outcomes[i].Status = uint32(number), uint16(status)
	}
	return outcomes
}

// outcomesOf says what an answer did to each call of its request.
func outcomesOf(calls []event.Call, answer customerio.Answer) []event.Outcome {
	if answer.Verdict == customerio.Accepted {
		return outcomesOfAccepted(calls, answer)
	}
	outcomes := make([]event.Outcome, len(calls))
	switch answer.Verdict {
	case customerio.Refused:
		outcomes[0] = event.Outcome{Result: event.Refused, Failure: refusal(&calls[0], answer, firstRefusal(answer))}
	case customerio.Split:
		r := firstRefusal(answer)
		for i := range outcomes {
			outcomes[i] = event.Outcome{Suspect: true, AtFault: true, Failure: refusal(&calls[i], answer, r)}
		}
	default:
		suspect, unsure, detail := answer.Suspect(), answer.Unsure(), answer.String()
		failures := make([]event.Failure, len(calls))
		for i := range outcomes {
			failures[i] = failure(&calls[i], answer.Status)
			failures[i].Detail = detail
			outcomes[i] = event.Outcome{Suspect: suspect, MayBeSent: unsure, Failure: &failures[i]}
		}
	}
	return outcomes
}

// outcomesOfAccepted is outcomesOf where the request was taken, but perhaps not each of its calls.
func outcomesOfAccepted(calls []event.Call, answer customerio.Answer) []event.Outcome {
	listed := answer.Errors.Shape == customerio.ShapeListed
	if n := len(calls); !listed && n <= len(delivered) {
		return delivered[:n:n]
	}
	outcomes := filled(len(calls))
	if listed {
		for _, r := range answer.Errors.Refusals {
			outcomes[r.Index] = event.Outcome{Result: event.Refused, Failure: refusal(&calls[r.Index], answer, r)}
		}
	}
	return outcomes
}

// withAnswer gives the outcome of a request of a rule's own what was answered.
func withAnswer(outcomes []event.Outcome, answer customerio.Answer) []event.Outcome {
	if answer.Content == nil {
		return outcomes
	}
	one := outcomes[0] // which others may share
	c := answer.Content
	one.Answer = &event.Answer{Status: answer.Status, Type: c.Type, Body: c.Body, Cut: c.Cut}
	return []event.Outcome{one}
}

func failure(call *event.Call, status int) event.Failure {
	return event.Failure{
		ID: call.ID, Stage: event.StageDelivery, Rule: call.Step.Rule, Call: call.Step.Call, Status: status,
	}
}

// refusal tells what Customer.io holds against a call.
func refusal(call *event.Call, answer customerio.Answer, r customerio.Refusal) *event.Failure {
	f := failure(call, answer.Status)
	f.Reason, f.Field = event.ReasonRefused, r.Field
	if answer.Status == http.StatusRequestEntityTooLarge {
		f.Reason = event.ReasonTooLarge
	}
	f.Detail = "Customer.io: " + answer.String()
	if r.Problem != "" {
		f.Detail = "Customer.io: " + string(r.Problem)
	}
	return &f
}

// firstRefusal is what the body says of a request that was refused as a whole, if anything.
func firstRefusal(answer customerio.Answer) customerio.Refusal {
	if len(answer.Errors.Refusals) == 0 {
		return customerio.Refusal{}
	}
	return answer.Errors.Refusals[0]
}
