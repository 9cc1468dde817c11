package delivery_test

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

const (
	oldKey = "Basic c2l0ZS0xOmNhbmFyeS1rZXktMQ==" // site-1:canary-key-1
	newKey = "Basic c2l0ZS0xOmtleS0y"             // site-1:key-2
)

func keyed(_ int, q request, _ *http.Request) (*http.Response, error) {
	if q.authorization != newKey {
		return reply(401, `{"meta":{"error":"Unauthorized"}}`)
	}
	return reply(200, "{}")
}

func TestHeldUntilTheKeyFileIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, keyed)
		start := time.Now()
		var replaced time.Time
		var operator sync.WaitGroup
		operator.Go(func() {
			time.Sleep(time.Hour)
			if s := r.State(); s.Condition != delivery.Halted || s.Cause != customerio.CauseCredentials ||
				s.Status != 401 || !s.Since.Equal(start) {
				t.Errorf("state %+v", s)
			}
			r.writeKey(t, "key-2")
			replaced = time.Now()
		})
		crowd(8, func() { sendUntilDelivered(t.Context(), r.Sender, makeCalls(3)) })
		operator.Wait()

		if took := time.Since(replaced); took > 2*time.Second {
			t.Errorf("delivered %s after the key was replaced", took)
		}
		seen := r.to.requests()
		for i, q := range seen[1:] {
			if gap := q.at.Sub(seen[i].at); gap > 11*time.Second {
				t.Fatalf("%s between probes", gap)
			}
		}
		if n := r.failed(401); n < 360 || n > 1110+20 {
			t.Errorf("%d requests with the old key in an hour", n)
		}
		if n := r.failed(200); n != 8 || seen[len(seen)-1].authorization != newKey || seen[0].authorization != oldKey {
			t.Errorf("%d requests delivered", n)
		}
		want := []string{"error: customer.io refuses every request, holding all calls until it is mended",
			"info: customer.io answers again"}
		if got := r.messages(); !reflect.DeepEqual(got, want) {
			t.Errorf("log %q, want %q", got, want)
		}
	})
}

// A key that was replaced between two looks at its file is found on the 401, and nothing halts.
func TestARotatedKeyIsTakenUpOnA401(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, keyed)
		r.writeKey(t, "key-2")
		start := time.Now()
		first := count(r.Send(t.Context(), makeCalls(2)))
		second := count(r.Send(t.Context(), makeCalls(2)))
		if first.tried != 2 || second.delivered != 2 || time.Since(start) > 20*time.Millisecond {
			t.Errorf("outcomes %+v, then %+v after %s", first, second, time.Since(start))
		}
		if r.failed(401) != 1 || r.State().Condition != delivery.OK || len(r.messages()) != 0 {
			t.Errorf("%d answers 401, state %+v, log %q", r.failed(401), r.State(), r.messages())
		}
	})
}

func TestWhatHaltsGoesOnByItself(t *testing.T) {
	for status, trouble := range map[int]customerio.Cause{
		401: customerio.CauseCredentials, 403: customerio.CauseCredentials, 402: customerio.CauseAccount,
		404: customerio.CausePath, 501: customerio.CausePath, 302: customerio.CauseRegion, 407: customerio.CauseProxy,
	} {
		if !longtest.On() && status > 402 {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			r := newRig(t, func(int, request, *http.Request) (*http.Response, error) {
				if time.Since(start) < 20*time.Minute {
					return reply(status, "", "Location", "https://elsewhere.example/"+canary)
				}
				return reply(200, "{}")
			})
			ctx, cancel := context.WithTimeout(t.Context(), 19*time.Minute)
			defer cancel()
			sendUntilDelivered(ctx, r.Sender, makeCalls(2))
			if s := r.State(); s.Condition != delivery.Halted || s.Cause != trouble || s.Status != status {
				t.Errorf("%d: state %+v", status, s)
			}
			line := fmt.Sprintf(`ciobridge_destination_state{endpoint="batch",state="halted",trouble="%s",workspace=""} 1`, trouble)
			if !strings.Contains(r.exposition(), line) {
				t.Errorf("%d: no metric %s", status, line)
			}
			sendUntilDelivered(t.Context(), r.Sender, makeCalls(2))
			if took := time.Since(start); took > 21*time.Minute {
				t.Errorf("%d: delivered after %s", status, took)
			}
			for _, q := range r.to.requests() {
				if q.path != customerio.BatchPath {
					t.Fatalf("%d: followed to %s", status, q.path)
				}
			}
		})
	}
}

// A request that was on the wire when the breaker halted must not reset it: it says nothing about the new state of
// things.
func TestOnlyAProbeEndsAHalt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(n int, _ request, _ *http.Request) (*http.Response, error) {
			if n == 0 {
				time.Sleep(100 * time.Millisecond)
				return reply(200, "{}")
			}
			return reply(401, "")
		})
		crowd(2, func() { r.Send(t.Context(), makeCalls(2)) })
		if s := r.State(); s.Condition != delivery.Halted || r.failed(200) != 1 {
			t.Errorf("state %+v", s)
		}
	})
}

func TestAHaltThatBecomesAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(n int, _ request, _ *http.Request) (*http.Response, error) {
			return reply([]int{401, 503, 401, 200}[n], "")
		})
		sendUntilDelivered(t.Context(), r.Sender, makeCalls(2))
		want := []string{
			"error: customer.io refuses every request, holding all calls until it is mended",
			"warn: customer.io fails, waiting",
			"error: customer.io refuses every request, holding all calls until it is mended",
			"info: customer.io answers again",
		}
		if got := r.messages(); !reflect.DeepEqual(got, want) {
			t.Errorf("log %q, want %q", got, want)
		}
	})
}
