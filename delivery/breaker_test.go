package delivery_test

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// sendUntilDelivered attempts one batch again and again, as the pipeline would.
func sendUntilDelivered(ctx context.Context, s *delivery.Sender, calls []event.Call) {
	for ctx.Err() == nil && count(s.Send(ctx, calls)).delivered != len(calls) {
	}
}

// crowd runs so many senders at once and waits for them.
func crowd(n int, send func()) {
	var senders sync.WaitGroup
	for range n {
		senders.Go(send)
	}
	senders.Wait()
}

func TestADayOfOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hours := longtest.Either(2, 24)
		outage := time.Duration(hours) * time.Hour
		start := time.Now()
		r := newRig(t, func(int, request, *http.Request) (*http.Response, error) {
			time.Sleep(50 * time.Millisecond)
			if time.Since(start) < outage {
				return reply(503, "<html>")
			}
			return reply(200, "{}")
		})
		crowd(16, func() { sendUntilDelivered(t.Context(), r.Sender, makeCalls(2)) })

		during, last := 0, start
		for _, q := range r.to.requests() {
			if q.at.Sub(start) < outage {
				during++
				if during > 1 && q.at.Sub(last) > 10*time.Second {
					t.Fatalf("%s between probes", q.at.Sub(last))
				}
				last = q.at
			}
		}
		// Waits are between 3.25 s and 9.75 s, after a few short ones.
		if during < 367*hours || during > 1108*hours {
			t.Errorf("%d requests during the outage", during)
		}
		// Its probe goes within 10 s. What waited follows from 1 request/s on, which grows with every second.
		end := time.Since(start)
		if end > outage+14*time.Second {
			t.Errorf("all was delivered %s after the outage", end-outage)
		}
		want := []string{"warn: customer.io fails, waiting", "info: customer.io answers again"}
		if got := r.messages(); !reflect.DeepEqual(got, want) {
			t.Errorf("log %q, want %q", got, want)
		}
		recovery := r.log.FilterMessage("customer.io answers again").All()[0].ContextMap()
		// The up to 16 requests that failed together at the start count as one failure.
		if n := recovery["failures"].(int64); n < int64(r.failed(503)-15) || n > int64(r.failed(503)) ||
			recovery["after"].(time.Duration) < outage-50*time.Millisecond { // it counts from the first answer
			t.Errorf("recovery says %v after %d failures", recovery, r.failed(503))
		}
		if s := r.State(); s.Condition != delivery.OK || s.Failures != 0 {
			t.Errorf("state %+v", s)
		}
	})
}

// The first call leaves within 10 s after an outage, however requests failed in it and wherever in a wait it ends.
func TestFirstCallAfterAnOutage(t *testing.T) {
	for name, fail := range map[string]func(*http.Request) (*http.Response, error){
		"answers of 503": func(*http.Request) (*http.Response, error) { return reply(503, "") },
		"no connection":  func(*http.Request) (*http.Response, error) { return nil, errNetwork },
		"hanging": func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		},
		"slow failures": func(*http.Request) (*http.Response, error) {
			time.Sleep(7 * time.Second)
			return reply(500, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			tries := longtest.Either(5, 60)
			for i := range tries {
				half := i * 60 / tries
				synctest.Test(t, func(t *testing.T) {
					start, outage := time.Now(), 3*time.Minute+time.Duration(half)*500*time.Millisecond
					r := newRig(t, func(_ int, _ request, req *http.Request) (*http.Response, error) {
						if time.Since(start) < outage {
							return fail(req)
						}
						return reply(200, "{}")
					})
					crowd(4, func() { sendUntilDelivered(t.Context(), r.Sender, makeCalls(2)) })
					failures := 0
					for _, q := range r.to.requests() {
						late := q.at.Sub(start) - outage
						if late < 0 {
							failures++
							continue
						}
						if late > 10*time.Second {
							t.Errorf("an outage of %s: the first call left %s after it", outage, late)
						}
						break
					}
					if failures < 3+int(outage/(10*time.Second)) {
						t.Errorf("%d requests failed in an outage of %s", failures, outage)
					}
				})
			}
		})
	}
}

func TestOneProbeAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wire := make(chan struct{}, 1)
		r := newRig(t, func(n int, _ request, _ *http.Request) (*http.Response, error) {
			select {
			case wire <- struct{}{}:
				defer func() { <-wire }()
			default:
				t.Error("two requests at once while the destination fails")
			}
			if n > 0 {
				time.Sleep(5 * time.Second)
			}
			if n < 20 {
				return reply(500, "")
			}
			return reply(400, refuse)
		})
		r.Send(t.Context(), makeCalls(2)) // trips the breaker
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for len(r.to.requests()) < 21 {
				time.Sleep(time.Second)
			}
			time.Sleep(4 * time.Second)
			cancel()
		}()
		crowd(16, func() {
			for ctx.Err() == nil {
				r.Send(ctx, makeCalls(2))
			}
		})
		if n := len(r.to.requests()); n != 21 {
			t.Errorf("%d requests, want 21", n)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	for _, c := range []struct {
		name     string
		header   func() string
		min, max time.Duration
	}{
		{"seconds", func() string { return "120" }, 120 * time.Second, 121 * time.Second},
		{"a date", func() string { return time.Now().Add(3 * time.Minute).UTC().Format(http.TimeFormat) },
			179 * time.Second, 181 * time.Second},
		{"too long", func() string { return "86400" }, 15 * time.Minute, 15*time.Minute + time.Second},
		{"shorter than the backoff", func() string { return "0" }, 500 * time.Millisecond, 2 * time.Second},
		{"a past date", func() string { return time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat) },
			500 * time.Millisecond, 2 * time.Second},
		{"nonsense", func() string { return "soon" }, 500 * time.Millisecond, 2 * time.Second},
		{"negative", func() string { return "-5" }, 500 * time.Millisecond, 2 * time.Second},
		{"overflow", func() string { return "99999999999999999999" }, 500 * time.Millisecond, 2 * time.Second},
		{"absent", func() string { return "" }, 500 * time.Millisecond, 2 * time.Second},
	} {
		for _, status := range []int{429, 503} {
			t.Run(fmt.Sprint(c.name, status), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, func(n int, _ request, _ *http.Request) (*http.Response, error) {
						if n == 0 {
							return reply(status, "", "Retry-After", c.header())
						}
						return reply(200, "{}")
					})
					sendUntilDelivered(t.Context(), r.Sender, makeCalls(2))
					seen := r.to.requests()
					if len(seen) != 2 {
						t.Fatalf("%d requests", len(seen))
					}
					if gap := seen[1].at.Sub(seen[0].at); gap < c.min || gap > c.max {
						t.Errorf("the second request came after %s, want %s to %s", gap, c.min, c.max)
					}
				})
			})
		}
	}
}

// What was on the wire before a 429 may be answered with a 200 after it: that must not cut short what the
// destination asked for, and it must when the destination asked for nothing.
func TestALateSuccessOpensTheGateUnlessAskedToWait(t *testing.T) {
	for _, asked := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, func(n int, _ request, _ *http.Request) (*http.Response, error) {
				switch n {
				case 0:
					time.Sleep(100 * time.Millisecond)
				case 1:
					if asked {
						return reply(429, "", "Retry-After", "60")
					}
					return reply(500, "")
				}
				return reply(200, "{}")
			})
			crowd(2, func() { r.Send(t.Context(), makeCalls(2)) })
			condition := r.State().Condition
			r.Send(t.Context(), makeCalls(2))
			gap := r.to.requests()[2].at.Sub(r.to.requests()[1].at)
			if asked && (condition != delivery.BackingOff || gap < time.Minute) {
				t.Errorf("asked to wait a minute: %s, next request after %s", condition, gap)
			}
			if !asked && (condition != delivery.OK || gap > 200*time.Millisecond) {
				t.Errorf("not asked to wait: %s, next request after %s", condition, gap)
			}
		})
	}
}

// Sixteen requests that fail together are one failure, not sixteen steps of the backoff.
func TestWhatFailsTogetherCountsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(n int, _ request, _ *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			if n < 16 {
				return reply(500, "")
			}
			return reply(200, "{}")
		})
		crowd(16, func() { r.Send(t.Context(), makeCalls(2)) })
		if s := r.State(); s.Failures != 1 || time.Until(s.RetryAt) > 1500*time.Millisecond {
			t.Errorf("state %+v", s)
		}
		if n := r.failed(500); n != 16 {
			t.Errorf("%d requests failed, want 16", n)
		}
	})
}

func TestALoneCallThatFailsWhileOthersSucceedDoesNotCloseTheGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		poison := makeCalls(1)[0]
		poison.Body = []byte(`{"poison":true}`)
		r := newRig(t, func(_ int, q request, _ *http.Request) (*http.Response, error) {
			if q.items[0] == string(poison.Body) {
				return reply(500, "")
			}
			return reply(200, "{}")
		})
		// Alone in the world, its failure is all that is known of the destination.
		if o := r.Send(t.Context(), []event.Call{poison})[0]; !o.Suspect || r.State().Condition != delivery.BackingOff {
			t.Fatalf("outcome %+v, state %+v", o, r.State())
		}
		for range 100 {
			if got := count(r.Send(t.Context(), makeCalls(2))); got.delivered != 2 {
				t.Fatalf("outcomes of the others: %+v", got)
			}
			o := r.Send(t.Context(), []event.Call{poison})[0]
			if o.Result != event.Open || !o.Suspect || o.Failure == nil || !o.NotBefore.IsZero() {
				t.Fatalf("outcome %+v", o)
			}
			if r.State().Condition != delivery.OK {
				t.Fatal("the breaker tripped")
			}
		}
		// Two or more calls together speak of the destination, and so does a lone one when nothing was accepted for
		// a while.
		time.Sleep(11 * time.Second)
		r.Send(t.Context(), []event.Call{poison})
		if r.State().Condition != delivery.BackingOff {
			t.Error("requests went on although nothing else succeeds")
		}
	})
}
