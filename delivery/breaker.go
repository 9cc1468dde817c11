package delivery

import (
	"context"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/ciobridge/ciobridge/customerio"
)

// breaker is the circuit breaker that every request passes. While all is well it lets requests through at the rate
// allowed. A failure that speaks of the destination trips it: for a while nothing passes, then one request goes as a
// probe, and its answer ends the pause or makes it longer.
type breaker struct {
	newCredentials func() bool  // reads the credentials again; are they others than before?
	stateLogger    *stateLogger // told of every change, with mu held, so that the order is right

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced when what waiters wait for has changed
	state    State
	limiter  *rateLimiter
	backoff  *backoff.ExponentialBackOff
	trips    uint64    // how often it was tripped
	probing  bool      // a probe is on the wire
	asked    bool      // the destination itself has said for how long
	held     bool      // nothing passes until it is opened
	told     bool      // while held, one was turned away
	accepted time.Time // when a request was last accepted
	looked   time.Time // when, while halted, it last looked for new credentials
}

// recently is how long an accepted request vouches for the destination against a lone call that fails.
const recently = 10 * time.Second

// look is how often the breaker looks, while halted, for new credentials.
const look = time.Second

func newBreaker(limiter *rateLimiter, newCredentials func() bool, stateLogger *stateLogger) *breaker {
	return &breaker{
		newCredentials: newCredentials, stateLogger: stateLogger,
		changed: make(chan struct{}),
		state:   State{Condition: OK, Since: time.Now()},
		limiter: limiter,
		backoff: newBackoff(),
	}
}

// A permit lets one request through. Whoever got it gives it back with the answer.
type permit struct {
	probe bool
	trips uint64
	began time.Time
}

// acquire waits until a request may go. It returns false, and no permit, when ctx ends while the breaker is tripped or
// held, or at ctx's deadline, which may move. Waiting for a turn at the allowed rate goes on after ctx has ended.
func (b *breaker) acquire(ctx context.Context) (p permit, granted bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var turn time.Time
	defer func() {
		if !granted && !turn.IsZero() {
			b.limiter.giveBack(time.Now())
		}
	}()
	for {
		now := time.Now()
		deadline, limited := ctx.Deadline()
		if limited && !now.Before(deadline) {
			return permit{}, false
		}
		until, done := time.Time{}, (<-chan struct{})(nil)
		if b.held || b.state.Condition != OK {
			if !turn.IsZero() {
				b.limiter.giveBack(now)
				turn = time.Time{}
			}
			if ctx.Err() != nil || b.turnsAway() {
				return permit{}, false
			}
			if b.mayProbe(now) {
				b.probing = true
				b.limiter.reserve(now)
				return permit{probe: true, trips: b.trips, began: now}, true
			}
			until, done = b.nextLook(), ctx.Done()
		} else {
			if turn.IsZero() {
				turn = b.limiter.reserve(now)
			}
			if !turn.After(now) {
				return permit{trips: b.trips, began: now}, true
			}
			until = turn
		}
		if limited && deadline.Before(until) {
			until = deadline
		}
		b.wait(until.Sub(now), done)
	}
}

// mayProbe reports whether a probe may pass while the breaker is tripped. While halted it looks for new
// credentials, which are worth a probe at once.
func (b *breaker) mayProbe(now time.Time) bool {
	if b.probing || b.held {
		return false
	}
	if b.state.Condition == Halted && now.Sub(b.looked) >= look {
		b.looked = now
		if b.newCredentials() {
			b.state.RetryAt = now
		}
	}
	return !now.Before(b.state.RetryAt)
}

// nextLook is when a waiter has to look again while the breaker is tripped, unless its state changes before.
func (b *breaker) nextLook() time.Time {
	switch {
	case b.probing, b.held:
		return time.Now().Add(time.Hour)
	case b.state.Condition == Halted && b.looked.Add(look).Before(b.state.RetryAt):
		return b.looked.Add(look)
	}
	return b.state.RetryAt
}

// wait gives mu up until the time has passed, done is closed or the state has changed.
func (b *breaker) wait(d time.Duration, done <-chan struct{}) {
	changed := b.changed
	b.mu.Unlock()
	defer b.mu.Lock()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-changed:
	case <-done:
	}
}

// giveBack takes a permit back with what came of the request, which carried so many calls.
func (b *breaker) giveBack(p permit, answer customerio.Answer, calls int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if n := answer.Errors.Unplaced; n > 0 && answer.Status/100 == 2 {
		b.stateLogger.logUnplaced(n, calls, answer.Status)
	}
	switch {
	case answer.NewCredentials, answer.Withheld:
		b.retryNow(p, now)
	case answer.Verdict == customerio.Retry, answer.Verdict == customerio.Halt:
		b.requestFailed(p, answer, calls == 1, now)
	default:
		b.requestAnswered(p, answer.Verdict == customerio.Accepted, now)
	}
}

// retryNow lets the next request follow at once.
func (b *breaker) retryNow(p permit, now time.Time) {
	if p.probe && p.trips == b.trips {
		b.probing = false
		b.state.RetryAt = now
		b.broadcast()
	}
}

// requestAnswered notes that the destination works. What was sent before the breaker tripped ends the pause as well
// as a probe does, unless the destination has asked to be left alone or the state is halted: there only a probe
// counts.
func (b *breaker) requestAnswered(p permit, accepted bool, now time.Time) {
	if accepted {
		b.accepted = now
		b.limiter.raise(now)
	}
	probe := p.probe && p.trips == b.trips
	if b.state.Condition == OK || !probe && (b.asked || b.state.Condition == Halted) {
		return
	}
	b.probing = false
	b.backoff.Reset()
	b.setState(State{Condition: OK, Since: now})
}

// requestFailed trips the breaker. A lone call that may itself be the cause does not trip it while other requests
// are accepted.
func (b *breaker) requestFailed(p permit, answer customerio.Answer, alone bool, now time.Time) {
	if answer.Cause == customerio.CauseRate || answer.Cause == customerio.CauseUnavailable {
		b.limiter.lower(now)
	}
	retryAt := now.Add(answer.RetryAfter)
	if p.trips != b.trips {
		// What was on the wire when the breaker tripped fails with it, and counts as the same failure.
		if b.state.Condition != OK && retryAt.After(b.state.RetryAt) {
			b.state.RetryAt, b.asked = retryAt, true
		}
		return
	}
	if alone && answer.Suspect() && b.state.Condition == OK && now.Sub(b.accepted) < recently {
		return
	}
	after := State{
		Condition: BackingOff, Cause: answer.Cause, Status: answer.Status,
		Failures: b.state.Failures + 1, Since: b.state.Since, RetryAt: p.began.Add(b.backoff.NextBackOff()),
	}
	if answer.Cause.Halts() {
		after.Condition = Halted
		b.looked = now
	}
	if b.state.Condition == OK {
		after.Since = now
	}
	b.asked = answer.RetryAfter > 0
	if retryAt.After(after.RetryAt) {
		after.RetryAt = retryAt
	}
	b.trips++
	b.probing = false
	b.setState(after)
}

func (b *breaker) setState(after State) {
	before := b.state
	b.state = after
	b.stateLogger.stateChanged(before, after)
	b.broadcast()
}

// broadcast wakes all waiters.
func (b *breaker) broadcast() {
	close(b.changed)
	b.changed = make(chan struct{})
}
