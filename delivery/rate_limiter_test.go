package delivery_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limited := false
		r := newRig(t, func(int, request, *http.Request) (*http.Response, error) {
			if limited {
				time.Sleep(500 * time.Millisecond)
				return reply(429, "")
			}
			return reply(200, "{}")
		})
		perSecond := func(d time.Duration) float64 {
			start := time.Now()
			end := start.Add(d)
			crowd(16, func() {
				for time.Now().Before(end) {
					r.Send(t.Context(), makeCalls(1))
				}
			})
			n := 0
			for _, q := range r.to.requests() {
				if !q.at.Before(start) && q.at.Before(end) {
					n++
				}
			}
			return float64(n) / d.Seconds()
		}
		near := func(what string, got, want float64) {
			t.Helper()
			if got < want*0.9 || got > want*1.1 {
				t.Errorf("%s: %.1f requests a second, want about %.1f", what, got, want)
			}
		}
		near("alone", perSecond(20*time.Second), 100)
		r.SetReplicas(4)
		near("one of four replicas", perSecond(20*time.Second), 25)
		r.SetReplicas(1)
		near("alone again", perSecond(20*time.Second), 100)

		// What fails together halves the rate once.
		limited = true
		crowd(16, func() { r.Send(t.Context(), makeCalls(1)) })
		limited = false
		sendUntilDelivered(t.Context(), r.Sender, makeCalls(1))
		near("just after a 429", perSecond(900*time.Millisecond), 53)
		near("while it climbs", perSecond(2*time.Second), 61)
		perSecond(20 * time.Second)
		near("long after a 429", perSecond(10*time.Second), 100)
	})
}

// Those whose turns passed while the breaker was tripped must not all go when it is reset.
func TestNoBurstWhenTheGateOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(n int, _ request, _ *http.Request) (*http.Response, error) {
			if n == 0 {
				return reply(500, "")
			}
			return reply(200, "{}")
		})
		crowd(16, func() { sendUntilDelivered(t.Context(), r.Sender, makeCalls(2)) })
		seen := r.to.requests()
		for i := range seen[1:] {
			if gap := seen[i+1].at.Sub(seen[i].at); gap < 10*time.Millisecond {
				t.Errorf("request %d came %s after the one before, want at least 10ms", i+1, gap)
			}
		}
		if len(seen) != 17 || r.failed(500) != 1 {
			t.Errorf("%d requests, of which %d failed", len(seen), r.failed(500))
		}
	})
}

// What waited for its turn when the destination failed does not wait for that many turns again.
func TestAnOutageTakesNoTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(n int, _ request, _ *http.Request) (*http.Response, error) {
			if n == 0 {
				return reply(500, "")
			}
			return reply(200, "{}")
		})
		r.SetReplicas(100) // one request a second
		began := time.Now()
		crowd(16, func() { sendUntilDelivered(t.Context(), r.Sender, makeCalls(2)) })
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("16 requests at one a second took %s", took)
		}
	})
}
