package delivery

import (
	"sync"
	"time"
)

// rateLimiter spreads requests evenly at the rate allowed. The rate halves when the destination asks for less and
// climbs back by a fixed step for every second in which requests are accepted. It may be used from several goroutines.
type rateLimiter struct {
	mu      sync.Mutex
	budget  float64 // requests a second of the whole workspace
	ceiling float64 // this replica's share of it
	rate    float64 // what is allowed now
	next    time.Time
	lowered time.Time
	raised  time.Time
}

const (
	raiseSteps = 20 // from nothing to the ceiling
	leastRate  = 1  // requests a second, unless the ceiling itself is lower
	adjustment = time.Second

	// lateness is by how much a turn may be late without moving those after it. Timers are, and a rate that every
	// late request lowered would never be reached.
	lateness = 5 * time.Millisecond
)

// newRateLimiter makes a limiter of so many requests a second.
func newRateLimiter(budget float64) *rateLimiter {
	return &rateLimiter{budget: budget, ceiling: budget, rate: budget}
}

// allowed is how many requests a second are allowed now.
func (l *rateLimiter) allowed() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rate
}

// reserve takes the next turn and says when it is.
func (l *rateLimiter) reserve(now time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	turn := l.next
	if turn.Before(now.Add(-lateness)) {
		turn = now
	}
	l.next = turn.Add(time.Duration(float64(time.Second) / l.rate))
	return turn
}

// giveBack gives back a turn that nobody takes. Those behind it stay where they are; the next that is asked for is
// earlier.
func (l *rateLimiter) giveBack(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = l.next.Add(-time.Duration(float64(time.Second) / l.rate))
	if l.next.Before(now) {
		l.next = now
	}
}

// lower halves the rate, at most once a second: what fails together is one request for less.
func (l *rateLimiter) lower(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.lowered) < adjustment {
		return
	}
	l.lowered, l.raised = now, now
	l.rate = max(l.rate/2, min(leastRate, l.ceiling))
}

// raise raises the rate after a request was accepted.
func (l *rateLimiter) raise(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rate >= l.ceiling || now.Sub(l.raised) < adjustment {
		return
	}
	l.raised = now
	l.rate = min(l.rate+l.ceiling/raiseSteps, l.ceiling)
}

// divide divides the budget among so many replicas. A rate that was lowered stays lowered in proportion.
func (l *rateLimiter) divide(replicas int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lowered := l.rate / l.ceiling
	l.ceiling = l.budget / float64(max(replicas, 1))
	l.rate = l.ceiling * lowered
}
