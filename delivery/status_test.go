package delivery_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// want is what becomes of the calls of a request that is answered in some way.
type want struct {
	result  event.Result
	suspect bool
	reason  event.Reason
	trips   bool // it trips the breaker
	halts   bool
}

// wantFor states the rules of delivery for every status, apart from the code under test.
func wantFor(status int, single, many bool) want {
	delivered := want{result: event.Delivered}
	open := want{trips: true}
	suspect := want{suspect: true, trips: true}
	halted := want{trips: true, halts: true}
	refused := want{result: event.Refused, reason: event.ReasonRefused}
	split := want{suspect: true, reason: event.ReasonRefused}
	switch {
	case status/100 == 2:
		return delivered
	case status/100 == 3, status == 401, status == 402, status == 407:
		return halted
	case status == 408, status == 425, status == 429:
		return open
	case !single && (status == 403 || status == 404 || status == 405 || status == 410 || status == 501):
		return halted
	case status == 413 && many:
		split.reason = event.ReasonTooLarge
		return split
	case status == 413:
		refused.reason = event.ReasonTooLarge
		return refused
	case status/100 == 4 && many:
		return split
	case status/100 == 4:
		return refused
	}
	return suspect // 1xx and 5xx
}

func TestEveryStatus(t *testing.T) {
	for _, shape := range []struct {
		name   string
		calls  int
		single bool
	}{{"many", 3, false}, {"one", 1, false}, {"single", 1, true}} {
		synctest.Test(t, func(t *testing.T) {
			var status int
			r := newRig(t, func(int, request, *http.Request) (*http.Response, error) {
				if status/100 == 4 {
					return reply(status, refuse)
				}
				return reply(status, "{}")
			})
			calls := makeCalls(shape.calls)
			if shape.single {
				calls[0].Single = &event.Request{Method: "PUT", Path: "/api/v1/customers/7", Destination: 1}
			}
			for i := 100; i <= 599; i++ {
				if !longtest.On() && i%10 > 4 && i != http.StatusRequestTimeout && i != http.StatusTooManyRequests {
					continue
				}
				status = i
				want := wantFor(status, shape.single, shape.calls > 1)
				for i, o := range r.Send(context.Background(), calls) {
					checkOutcome(t, fmt.Sprintf("%s %d call %d", shape.name, status, i), o, want, status, calls[i].ID)
				}
				if got := r.State().Condition; want.trips != (got != "ok") || want.halts != (got == "halted") {
					t.Errorf("%s %d: the destination is %s", shape.name, status, got)
				}
				if r.failed(status) == 0 {
					t.Fatalf("%s: the destination did not answer %d", shape.name, status)
				}
				status = 200
				sendUntilDelivered(context.Background(), r.Sender, calls)
				time.Sleep(time.Minute) // until the success no longer vouches for the destination
			}
		})
	}
}

func checkOutcome(t *testing.T, name string, o event.Outcome, want want, status int, id event.ID) {
	t.Helper()
	if o.Result != want.result || o.Suspect != want.suspect {
		t.Errorf("%s: result %d suspect %t, want %d %t", name, o.Result, o.Suspect, want.result, want.suspect)
	}
	if (o.Failure == nil) != (want.result == event.Delivered) {
		t.Fatalf("%s: failure %+v", name, o.Failure)
	}
	if o.Failure == nil {
		return
	}
	f := *o.Failure
	if f.Reason != want.reason || f.Status != status || f.Stage != event.StageDelivery || f.Rule != "orders" ||
		f.Call != "track:order" || f.ID != id {
		t.Errorf("%s: failure %+v, want reason %q", name, f, want.reason)
	}
	if f.Detail == "" || strings.Contains(f.Detail+f.Field, "canary") {
		t.Errorf("%s: detail %q, field %q", name, f.Detail, f.Field)
	}
}
