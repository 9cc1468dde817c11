package delivery_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// Whoever wants to know of a request before it is made is asked when its turn has come, and not while it waits; one
// that may not go costs neither its calls nor the destination anything.
func TestBeforeARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(n int, _ request, _ *http.Request) (*http.Response, error) {
			if n == 0 {
				return reply(503, "")
			}
			return reply(200, "{}\n")
		})
		var asked []time.Duration
		began, may := time.Now(), false
		r.Before(func(_ context.Context, calls []event.Call) bool {
			asked = append(asked, time.Since(began))
			return may && len(calls) == 2
		})
		for i, o := range r.Send(t.Context(), makeCalls(2)) {
			if o != (event.Outcome{}) {
				t.Errorf("call %d of a request that may not go: %+v", i, o)
			}
		}
		may = true
		if o := r.Send(t.Context(), makeCalls(2)); o[0].Failure == nil || r.Requests() != 1 {
			t.Fatalf("the first request: %+v, %d were made", o[0], r.Requests())
		}
		if o := r.Send(t.Context(), makeCalls(2)); o[0].Result != event.Delivered || r.Requests() != 2 {
			t.Fatalf("the second request: %+v, %d were made", o[0], r.Requests())
		}
		if len(asked) != 3 || asked[1] > 100*time.Millisecond || asked[2] < 250*time.Millisecond {
			t.Errorf("asked after %s", asked)
		}
	})
}
