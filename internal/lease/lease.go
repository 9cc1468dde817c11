package lease

import (
	"context"
	"sync"
	"time"
)

// Lease is a context. Done closes when the right is being given up; from the Deadline on no attempt may begin. It
// wraps no other context, because functions registered with context.AfterFunc on one that does would run in a
// goroutine for which the source cannot wait.
type Lease struct {
	until func() time.Time
	done  chan struct{}

	mu      sync.Mutex
	drainBy time.Time // zero until Done closes
	after   map[*func()]struct{}
	running int           // functions that have been started and have not returned
	idle    chan struct{} // closed when the last of those running at a time has returned
}

// New makes a lease. Until tells how long the right is proved to last, by now; its zero time means no limit. It is
// called with no lock held and may move forward.
func New(until func() time.Time) *Lease {
	return &Lease{until: until, done: make(chan struct{}), after: map[*func()]struct{}{}}
}

// Deadline is the time from which no attempt may begin: the end of what is proved and, once Done is closed, of the
// drain. It may be later each time it is asked for.
func (l *Lease) Deadline() (time.Time, bool) {
	d := l.until()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.drainBy.IsZero() && (d.IsZero() || l.drainBy.Before(d)) {
		d = l.drainBy
	}
	return d, !d.IsZero()
}

// Done closes when the right is being given up.
func (l *Lease) Done() <-chan struct{} { return l.done }

// Err is context.Canceled once Done is closed, and nil before.
func (l *Lease) Err() error {
	select {
	case <-l.done:
		return context.Canceled
	default:
		return nil
	}
}

// Value is always nil: a lease carries no values.
func (l *Lease) Value(any) any { return nil }

// AfterFunc runs f in its own goroutine when Done closes, or at once if it is closed, and End waits for it. Stop
// reports whether it kept f from being run.
func (l *Lease) AfterFunc(f func()) (stop func() bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Err() != nil {
		l.start(f)
		return func() bool { return false }
	}
	key := &f
	l.after[key] = struct{}{}
	return func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		_, waiting := l.after[key]
		delete(l.after, key)
		return waiting
	}
}

// start runs f and counts it until it has returned. The caller holds mu.
func (l *Lease) start(f func()) {
	if l.running == 0 {
		l.idle = make(chan struct{})
	}
	l.running++
	go func() {
		defer func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.running--; l.running == 0 {
				close(l.idle)
			}
		}()
		f()
	}()
}

// Revoke closes Done and starts the registered functions, which have limit to come to an end. A second call changes
// nothing.
func (l *Lease) Revoke(limit time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Err() != nil {
		return
	}
	l.drainBy = time.Now().Add(limit)
	close(l.done)
	for f := range l.after {
		l.start(*f)
	}
	clear(l.after)
}

// End revokes the lease and waits for the registered functions until the drain limit has passed. It reports whether
// they have all returned: after false some still run, but none of them begins an attempt, because Deadline has
// passed.
func (l *Lease) End(limit time.Duration) bool {
	l.Revoke(limit)
	l.mu.Lock()
	idle, running, wait := l.idle, l.running, time.Until(l.drainBy)
	l.mu.Unlock()
	if running == 0 {
		return true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-idle:
		return true
	case <-timer.C:
		return false
	}
}
