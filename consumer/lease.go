package consumer

import (
	"context"
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// lease is the right to read: a consumer-group generation, or the pin of a stream. It is the context that handed-out messages
// come with.
//
// Done closes when the partitions are being given up. Deadline moves forward with every proof that they are still owned and is
// the earlier of the last proof plus the session timeout and, once Done is closed, the end of the drain. A lease that went without
// a proof for longer than the session timeout is lost for good, even if a proof arrives later, because whoever asked for its
// deadline meanwhile has dropped what it held.
type lease struct {
	session time.Duration
	done    chan struct{}

	mu      sync.Mutex
	proof   time.Time // when the last request was written that proved the ownership
	drainBy time.Time // zero until Done closes
	lost    bool
	closed  bool
	after   map[*func()]struct{} // registered, not yet started
	running int                  // started, not yet returned
	idle    chan struct{}        // closed when the last of those running at a time has returned
}

// handler is what messages are handed to, under their lease.
type handler func(lease context.Context, m event.Message, done func()) error

// newLease starts a lease whose ownership was proved by a request written at proof.
func newLease(proof time.Time, session time.Duration) *lease {
	return &lease{session: session, proof: proof, done: make(chan struct{}), after: map[*func()]struct{}{}}
}

// Deadline is the time from which no attempt may begin. It may be later each time it is asked for.
func (l *lease) Deadline() (time.Time, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.proof.Add(l.session)
	if time.Now().After(d) {
		l.lost = true
	}
	if l.closed && l.drainBy.Before(d) {
		d = l.drainBy
	}
	return d, true
}

// Done closes when the partitions are being given up.
func (l *lease) Done() <-chan struct{} { return l.done }

// Err is context.Canceled once Done is closed, and nil before.
func (l *lease) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return context.Canceled
	}
	return nil
}

// Value is always nil: a lease carries no values.
func (l *lease) Value(any) any { return nil }

// AfterFunc runs f in its own goroutine when Done closes, or at once if it is closed, and end waits for it. It is the method that
// context.AfterFunc looks for; but context.AfterFunc puts one more goroutine in between, which no lease can wait for, so a caller
// that must be waited for calls this method itself. Stop reports whether it kept f from being run.
func (l *lease) AfterFunc(f func()) (stop func() bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := &f
	if l.closed {
		l.start(f)
		return func() bool { return false }
	}
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
func (l *lease) start(f func()) {
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

// renew notes that a request written at sent was answered in a way that proves the ownership. It reports false when the lease is
// lost: the proof before was then older than the session timeout.
func (l *lease) renew(sent time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Now().After(l.proof.Add(l.session)) {
		l.lost = true
	}
	if !l.lost && sent.After(l.proof) {
		l.proof = sent
	}
	return !l.lost
}

// lose ends the ownership at once, for a broker that has said that others own the partitions. Deadline is past from here on.
func (l *lease) lose() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = true
	if past := time.Now().Add(-l.session - time.Nanosecond); l.proof.After(past) {
		l.proof = past
	}
}

// owned reports whether the partitions are still owned, as far as the last proof tells.
func (l *lease) owned() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Now().After(l.proof.Add(l.session)) {
		l.lost = true
	}
	return !l.lost
}

// revoke closes Done and starts the registered functions, which have limit to come to an end. A second call changes nothing.
func (l *lease) revoke(limit time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.closed = true
	l.drainBy = time.Now().Add(limit)
	close(l.done)
	for f := range l.after {
		l.start(*f)
	}
	clear(l.after)
}

// end revokes the lease and waits for the registered functions until the drain limit has passed. It reports whether they have all
// returned: after false some still run, but none of them begins an attempt, because Deadline has passed.
func (l *lease) end(limit time.Duration) bool {
	l.revoke(limit)
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
