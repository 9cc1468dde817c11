package delivery_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/event"
)

// What an answer means for a message: a refusal is about it alone, and what Customer.io may have sent is told.
func TestAnswersToMessages(t *testing.T) {
	call := event.Call{
		Step: &event.Step{Rule: "receipt", Call: "send_email", Action: "send_email", Once: true},
		Body: []byte(`{"transactional_message_id":3,"to":"a@example.com","identifiers":{"id":"7"}}`),
		Single: &event.Request{Method: http.MethodPost, Path: "/v1/send/email",
			Destination: event.Destination(customerio.Transactional.In(0))},
	}
	for _, c := range []struct {
		fault  emulator.Fault
		result event.Result
		unsure bool
		sent   int
	}{
		{emulator.Fault{Name: "bad", Status: 400, Body: `{"meta":{"error":"no"}}`, Times: 1}, event.Refused, false, 0},
		{emulator.Fault{Name: "not allowed", Status: 403, Body: `{"meta":{"error":"no"}}`, Times: 1}, event.Refused, false, 0},
		{emulator.Fault{Name: "unknown", Status: 404, Body: `{"errors":[{"detail":"no","status":"404"}]}`, Times: 1},
			event.Refused, false, 0},
		{emulator.Fault{Name: "too large", Status: 413, Body: `{"meta":{"error":"no"}}`, Times: 1}, event.Refused, false, 0},
		{emulator.Fault{Name: "invalid", Status: 422, Body: `{"errors":[{"detail":"no","status":"422"}]}`, Times: 1},
			event.Refused, false, 0},
		{emulator.Fault{Name: "too many", Status: 429, Times: 1}, event.Open, false, 0},
		{emulator.Fault{Name: "key", Status: 401, Times: 1}, event.Open, false, 0},
		{emulator.Fault{Name: "cut off", Reset: true, Applied: true, Times: 1}, event.Open, true, 1},
		{emulator.Fault{Name: "gateway", Status: 502, Applied: true, Times: 1}, event.Open, true, 1},
	} {
		t.Run(c.fault.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEmulated(t, customerio.EU, emulator.Options{Region: "eu", Faults: []emulator.Fault{c.fault}})
				o := e.Send(t.Context(), []event.Call{call})[0]
				if o.Result != c.result || o.MayBeSent != c.unsure || len(e.server.Deliveries()) != c.sent {
					t.Errorf("%+v, %+v; %d were sent", o, o.Failure, len(e.server.Deliveries()))
				}
				reason := event.ReasonRefused
				if c.fault.Status == http.StatusRequestEntityTooLarge {
					reason = event.ReasonTooLarge
				}
				if f := o.Failure; c.result == event.Refused && (f.Reason != reason || f.Status != c.fault.Status ||
					f.Rule != "receipt" || f.Call != "send_email") {
					t.Errorf("%+v", f)
				}
			})
		})
	}
}
