package delivery

import (
	"context"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/ciobridge/ciobridge/customerio"
)

// gate is what every request passes. Open, it lets requests through at the rate allowed. A failure that speaks of the destination
// closes it for a while; then one request goes as a probe, and its answer opens the gate or closes it for longer.
type gate struct {
	newCredentials func() bool // reads the credentials again; are they others than before?
	announcer      *announcer  // told of every change, with mu held, so that the order is right

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced when what waiters wait for has changed
	state    State
	pace     pace
	backoff  *backoff.ExponentialBackOff
	closings uint64    // how often the gate was closed
	probing  bool      // a probe is on the wire
	asked    bool      // the destination itself has said for how long
	accepted time.Time // when a request was last accepted
	looked   time.Time // when a halted gate last looked for new credentials
}

// The backoff doubles from 1 s to 6.5 s; backoff adds its jitter of up to a half after the cap. It counts from the beginning of the
// request that failed, so that probes begin 9.75 s apart at most, or the time-out of one that hangs.
const (
	firstBackoff   = time.Second
	largestBackoff = 6500 * time.Millisecond
)

// recently is how long an accepted request vouches for the destination against a lone call that fails.
const recently = 10 * time.Second

// look is how often a halted gate looks for new credentials.
const look = time.Second

func newGate(budget int, newCredentials func() bool, announcer *announcer) *gate {
	return &gate{
		newCredentials: newCredentials, announcer: announcer,
		changed: make(chan struct{}),
		state:   State{Condition: OK, Since: time.Now()},
		pace:    newPace(budget),
		backoff: backoff.NewExponentialBackOff(
			backoff.WithInitialInterval(firstBackoff),
			backoff.WithMultiplier(2),
			backoff.WithMaxInterval(largestBackoff),
			backoff.WithMaxElapsedTime(0), // never gives up
		),
	}
}

// A pass lets one request through. Whoever got it gives it back with the answer.
type pass struct {
	probe    bool
	closings uint64
	began    time.Time
}

// enter waits until a request may go. It returns false, and no pass, when ctx ends while the gate is closed or when ctx's deadline
// passes. Waiting for a turn in an open gate goes on after ctx has ended. The deadline may move while enter waits.
func (g *gate) enter(ctx context.Context) (pass, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var turn time.Time
	for {
		now := time.Now()
		deadline, limited := ctx.Deadline()
		if limited && !now.Before(deadline) {
			return pass{}, false
		}
		until, done := turn, (<-chan struct{})(nil)
		if g.state.Condition != OK {
			if ctx.Err() != nil {
				return pass{}, false
			}
			if g.mayProbe(now) {
				g.probing = true
				g.pace.reserve(now)
				return pass{probe: true, closings: g.closings, began: now}, true
			}
			until, done, turn = g.nextLook(), ctx.Done(), time.Time{}
		} else {
			if turn.IsZero() {
				turn = g.pace.reserve(now)
			}
			if !turn.After(now) {
				return pass{closings: g.closings, began: now}, true
			}
			until = turn
		}
		if limited && deadline.Before(until) {
			until = deadline
		}
		g.wait(until.Sub(now), done)
	}
}

// mayProbe reports whether the closed gate may let a probe through. While halted it looks for new credentials, which are worth a
// probe at once.
func (g *gate) mayProbe(now time.Time) bool {
	if g.probing {
		return false
	}
	if g.state.Condition == Halted && now.Sub(g.looked) >= look {
		g.looked = now
		if g.newCredentials() {
			g.state.RetryAt = now
		}
	}
	return !now.Before(g.state.RetryAt)
}

// nextLook is when a waiter at the closed gate has to look again, unless the gate changes before.
func (g *gate) nextLook() time.Time {
	switch {
	case g.probing:
		return time.Now().Add(time.Hour)
	case g.state.Condition == Halted && g.looked.Add(look).Before(g.state.RetryAt):
		return g.looked.Add(look)
	}
	return g.state.RetryAt
}

// wait gives mu up until the time has passed, done is closed or the gate has changed.
func (g *gate) wait(d time.Duration, done <-chan struct{}) {
	changed := g.changed
	g.mu.Unlock()
	defer g.mu.Lock()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-changed:
	case <-done:
	}
}

// leave gives a pass back with what came of the request, which carried so many calls.
func (g *gate) leave(p pass, answer customerio.Answer, calls int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if n := answer.Errors.Unplaced; n > 0 && answer.Status/100 == 2 {
		g.announcer.misplaced(n, calls, answer.Status)
	}
	switch {
	case answer.NewCredentials, answer.Withheld:
		g.again(p, now)
	case answer.Verdict == customerio.Retry, answer.Verdict == customerio.Halt:
		g.failed(p, answer, calls == 1, now)
	default:
		g.answered(p, answer.Verdict == customerio.Accepted, now)
	}
}

// again lets the next request follow at once.
func (g *gate) again(p pass, now time.Time) {
	if p.probe && p.closings == g.closings {
		g.probing = false
		g.state.RetryAt = now
		g.broadcast()
	}
}

// answered notes that the destination works. What was sent before the gate closed opens it as well as a probe does, unless the
// destination has asked to be left alone or the gate is halted: there only a probe counts.
func (g *gate) answered(p pass, accepted bool, now time.Time) {
	if accepted {
		g.accepted = now
		g.pace.climb(now)
	}
	probe := p.probe && p.closings == g.closings
	if g.state.Condition == OK || !probe && (g.asked || g.state.Condition == Halted) {
		return
	}
	g.probing = false
	g.backoff.Reset()
	g.become(State{Condition: OK, Since: now})
}

// failed closes the gate. A lone call that may itself be the cause does not close it while other requests are accepted.
func (g *gate) failed(p pass, answer customerio.Answer, alone bool, now time.Time) {
	if answer.Cause == customerio.CauseRate || answer.Cause == customerio.CauseUnavailable {
		g.pace.slow(now)
	}
	retryAt := now.Add(answer.RetryAfter)
	if p.closings != g.closings {
		// What was on the wire when the gate closed fails with it, and counts as the same failure.
		if g.state.Condition != OK && retryAt.After(g.state.RetryAt) {
			g.state.RetryAt, g.asked = retryAt, true
		}
		return
	}
	if alone && answer.Suspect() && g.state.Condition == OK && now.Sub(g.accepted) < recently {
		return
	}
	after := State{
		Condition: BackingOff, Cause: answer.Cause, Status: answer.Status,
		Failures: g.state.Failures + 1, Since: g.state.Since, RetryAt: p.began.Add(g.backoff.NextBackOff()),
	}
	if answer.Cause.Halts() {
		after.Condition = Halted
		g.looked = now
	}
	if g.state.Condition == OK {
		after.Since = now
	}
	g.asked = answer.RetryAfter > 0
	if retryAt.After(after.RetryAt) {
		after.RetryAt = retryAt
	}
	g.closings++
	g.probing = false
	g.become(after)
}

func (g *gate) become(after State) {
	before := g.state
	g.state = after
	g.announcer.observe(before, after)
	g.broadcast()
}

// broadcast wakes all waiters.
func (g *gate) broadcast() {
	close(g.changed)
	g.changed = make(chan struct{})
}
