package delivery_test

import (
	"net/http"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

const culprit = `{"culprit":true}`

// halve attempts calls as the pipeline does: what comes back suspect travels next in requests half as large.
func halve(t *testing.T, r *rig, calls []event.Call) (refused []event.ID) {
	outcomes := r.Send(t.Context(), calls)
	if outcomes[0].Suspect && len(calls) > 1 {
		half := len(calls) / 2
		return append(halve(t, r, calls[:half]), halve(t, r, calls[half:])...)
	}
	for i, o := range outcomes {
		switch o.Result {
		case event.Refused:
			refused = append(refused, calls[i].ID)
		case event.Open:
			t.Fatalf("call %d of %d is open: %+v", i, len(calls), o.Failure)
		}
	}
	return refused
}

func TestOneCulpritAmongManyStandsAlone(t *testing.T) {
	for _, status := range []int{400, 413, 422} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, func(_ int, q request, _ *http.Request) (*http.Response, error) {
				if slices.Contains(q.items, culprit) {
					return reply(status, refuse)
				}
				return reply(200, "{}")
			})
			calls := makeCalls(500)
			calls[317].Body = []byte(culprit)
			refused := halve(t, r, calls)
			if len(refused) != 1 || refused[0] != calls[317].ID {
				t.Errorf("%d: refused %v, want only call 317", status, refused)
			}
			if n := r.failed(status); n < 9 || n > 10 {
				t.Errorf("%d: %d requests were refused; halving 500 takes 9 or 10", status, n)
			}
			if len(r.messages()) != 0 {
				t.Errorf("%d: log %q: a refused call is no trouble of the destination", status, r.messages())
			}
		})
	}
}

// Senders that wait for days hold nothing that grows.
func TestMemoryIsFlatOverADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		day := time.Duration(longtest.Either(3, 24)) * time.Hour
		start := time.Now()
		requests := 0
		r := newRig(t, nil)
		r.to.answer = func(int, request, *http.Request) (*http.Response, error) {
			requests++
			r.to.mu.Lock()
			r.to.seen = nil // the test's own record must not be what grows
			r.to.mu.Unlock()
			return reply([]int{500, 429, 401}[requests%3], refuse)
		}
		heap := func() uint64 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		calls := makeCalls(10)
		attempt := func(until time.Duration) {
			for time.Since(start) < until {
				r.Send(t.Context(), calls)
			}
		}
		attempt(time.Hour)
		r.log.TakeAll() // as above
		before := heap()
		attempt(day)
		r.log.TakeAll()
		if after := heap(); after > before+256<<10 {
			t.Errorf("the heap grew from %d to %d bytes", before, after)
		}
		if requests < int(day/time.Minute) {
			t.Errorf("%d requests in %s: fewer than one a minute", requests, day)
		}
	})
}
