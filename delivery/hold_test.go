package delivery_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
)

// batchTo is a call for the batch endpoint of a workspace.
func batchTo(workspace int) []event.Call {
	return []event.Call{{Step: &event.Step{Destination: event.Destination(customerio.Batch.In(workspace))},
		Body: []byte("{}")}}
}

// Nothing is sent to a workspace that is held, however long, and its state tells why; whoever waits is let go when it
// is opened, or when the wait is over. The first call comes back at once, so that the destination counts as down.
// Another workspace takes its calls meanwhile.
func TestNothingIsSentToAWorkspaceThatIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := map[string]int{}
		registry := canarytest.Registry(t)
		core, logged := observer.New(zapcore.DebugLevel)
		s := delivery.New(workspaces(t, roundTrip(func(r *http.Request) (*http.Response, error) {
			asked[r.URL.Host]++
			return reply(200, "{}")
		})), canarytest.Logger(t, core), registry)
		s.Hold(1, "", 0)
		if got := s.State(); got.Condition != delivery.OK {
			t.Errorf("held over nothing that is known: %+v", got)
		}
		began := time.Now()
		if got := s.Send(t.Context(), batchTo(1)); got[0] != (event.Outcome{}) || time.Since(began) != 0 {
			t.Errorf("the first: %+v after %s", got, time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if got := s.Send(ctx, batchTo(1)); got[0] != (event.Outcome{}) || time.Since(began) != time.Hour {
			t.Errorf("one whose wait ends: %+v after %s", got, time.Since(began))
		}
		s.Hold(1, customerio.CauseUnavailable, 503)
		s.Hold(1, customerio.CauseCredentials, 401)
		if got := s.Send(t.Context(), batchTo(0)); got[0].Result != event.Delivered {
			t.Errorf("the other workspace: %+v", got)
		}
		for _, r := range s.Reports() {
			held := r.Workspace == "second"
			if r.Held != held || held != (r.Condition == delivery.Halted && r.Status == 401 && r.Failures == 2) {
				t.Errorf("%+v", r)
			}
		}
		time.AfterFunc(24*time.Hour, func() { s.Open(1) })
		done := make(chan event.Outcome)
		for range 3 {
			go func() { done <- s.Send(t.Context(), batchTo(1))[0] }()
		}
		for range 3 {
			if got := <-done; got.Result != event.Delivered {
				t.Errorf("opened: %+v", got)
			}
		}
		if took := time.Since(began); took < 25*time.Hour || took > 25*time.Hour+time.Second {
			t.Errorf("sent after %s", took)
		}
		if asked["one.example"] != 1 || asked["two.example"] != 3 {
			t.Errorf("requests: %v", asked)
		}
		told := logged.Len() - logged.FilterLevelExact(zapcore.DebugLevel).Len()
		if got := s.State(); got.Condition != delivery.OK || told != 0 {
			t.Errorf("state %+v, logged %v", got, logged.All())
		}
		if n := testutil.CollectAndCount(registry, "ciobridge_destination_state"); n == 0 {
			t.Error("no metric tells of the state")
		}
	})
}
