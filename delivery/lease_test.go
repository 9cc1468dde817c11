package delivery_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestBeingStoppedIsNotAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(int, request, *http.Request) (*http.Response,
			error) {
			return reply(503, "", "Retry-After", "900")
		})
		r.Send(t.Context(), makeCalls(2))
		ctx, cancel := context.WithCancel(t.Context())
		start := time.Now()
		time.AfterFunc(7*time.Second, cancel)
		if got, want := count(r.Send(ctx, makeCalls(5))), (tally{untried: 5}); got != want {
			t.Errorf("outcomes %+v, want %+v", got, want)
		}
		if took := time.Since(start); took != 7*time.Second {
			t.Errorf("released after %s, want 7s", took)
		}
		if got := count(r.Send(ctx, makeCalls(1))); got.untried != 1 || time.Since(start) != 7*time.Second {
			t.Errorf("a stopped attempt at a tripped breaker: %+v", got)
		}
		if n := len(r.to.requests()); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

func TestAnExchangeThatHasBegunOutlivesItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(_ int, _ request, req *http.Request) (*http.Response, error) {
			select {
			case <-time.After(5 * time.Second):
				return reply(200, "{}")
			case <-req.Context().Done():
				return nil, req.Context().Err()
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if got := count(r.Send(ctx, makeCalls(2))); got.delivered != 2 {
			t.Errorf("outcomes %+v, want 2 delivered", got)
		}
	})
}

// lease is a context whose deadline moves and outlives its end, as a source's lease does.
type lease struct {
	context.Context
	mu       sync.Mutex
	deadline time.Time
}

func (l *lease) Deadline() (time.Time, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.deadline, true
}

func (l *lease) extend(t time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deadline = t
}

// slowRig has one request a second to give.
func slowRig(t *testing.T) *rig {
	r := newRig(t, ok)
	r.SetReplicas(100)
	return r
}

func TestWaitingForATurnGoesOnAfterTheContextHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := slowRig(t)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		ctx := &lease{Context: ended, deadline: time.Now().Add(time.Minute)}
		start := time.Now()
		for range 4 {
			if got := count(r.Send(ctx, makeCalls(1))); got.delivered != 1 {
				t.Fatalf("outcome %+v", got)
			}
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("four turns took %s, want 3s", took)
		}
	})
}

func TestNoAttemptBeginsAfterTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := slowRig(t)
		r.Send(t.Context(), makeCalls(1)) // the next turn is in 1 s
		start := time.Now()
		ctx := &lease{Context: t.Context(), deadline: start.Add(500 * time.Millisecond)}
		if got := count(r.Send(ctx, makeCalls(1))); got.untried != 1 || time.Since(start) != 500*time.Millisecond {
			t.Errorf("outcome %+v after %s", got, time.Since(start))
		}
		// A deadline that moves on while Send waits lets it wait on.
		ctx.extend(time.Now().Add(300 * time.Millisecond))
		time.AfterFunc(200*time.Millisecond, func() { ctx.extend(start.Add(time.Hour)) })
		if got := count(r.Send(ctx, makeCalls(1))); got.delivered != 1 {
			t.Errorf("outcome %+v with a deadline that moved on", got)
		}
		ctx.extend(time.Now())
		if got := count(r.Send(ctx, makeCalls(1))); got.untried != 1 {
			t.Errorf("outcome %+v at the deadline", got)
		}
	})
}
