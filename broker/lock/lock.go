package lock

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Session is how long a lock outlives the death of its holder.
const Session = 10 * time.Second

// pause is the pause between two tries for a lock.
const pause = 200 * time.Millisecond

// ErrLost says that another has the lock. A renewal returns it if the broker says so.
var ErrLost = errors.New("the lock is lost to another")

// Lock is a right that one process has at a time. It lasts until Release, unless it is lost before: Lost closes when
// another has taken it, and when the broker has not answered until the time of Until. Nothing may be done after that
// time.
type Lock struct {
	lost    chan struct{}
	release func()

	mu    sync.Mutex
	until time.Time // zero: needs no renewal
}

// A Wish says how a lock is asked for.
type Wish struct {
	// Session is how long the lock outlives the death of its holder.
	Session time.Duration
	// Waiting is told when another has the lock, or died with it, and until when a dead one keeps it.
	Waiting func(until time.Time)
	// Alive is called each time that another has shown that it lives and has the lock. Its error ends the waiting.
	Alive func() error
}

// New is a lock that lasts until it is released, such as one that the operating system keeps.
func New(release func()) *Lock {
	return &Lock{lost: make(chan struct{}), release: sync.OnceFunc(release)}
}

// Lost closes when the right is lost: another may have it.
func (l *Lock) Lost() <-chan struct{} { return l.lost }

// Until is the time up to which the right is certain. It moves forward while the broker answers; zero means for good.
func (l *Lock) Until() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.until
}

// Release gives the right up and waits until what kept it has ended.
func (l *Lock) Release() { l.release() }

// Context is one that ends with ErrLost as soon as the right is not certain any more, and with its parent. End ends it
// and waits for its goroutine.
func (l *Lock) Context(parent context.Context) (held context.Context, end func()) {
	held, cancel := context.WithCancelCause(parent)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			var over <-chan time.Time // never, where there is no end
			if until := l.Until(); !until.IsZero() {
				over = time.After(time.Until(until))
			}
			select {
			case <-held.Done():
				return
			case <-l.Lost():
				cancel(ErrLost)
			case <-over:
				if !l.Until().After(time.Now()) {
					cancel(ErrLost)
				}
			}
		}
	}()
	return held, func() {
		cancel(context.Canceled)
		<-ended
	}
}

// Keep holds a lock that was proved at the time of proof. Every renewal makes it last for one session more, and there
// are four in a session. Renew returns ErrLost if another has the lock; any other error means that the broker did not
// answer, which loses the lock only when the session is over. The first Release of the lock ends its renewal and then
// calls release.
func Keep(
	ctx context.Context, proof time.Time, session time.Duration,
	renew func(context.Context) error, release func(context.Context),
) *Lock {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l := &Lock{lost: make(chan struct{}), until: proof.Add(session)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if !l.renewing(ctx, session, renew) {
			close(l.lost)
		}
	}()
	l.release = sync.OnceFunc(func() {
		cancel()
		<-ended
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), session/2)
		defer cancel()
		release(ctx)
	})
	return l
}

// renewing renews until ctx ends. It returns false when the lock is lost.
func (l *Lock) renewing(ctx context.Context, session time.Duration, renew func(context.Context) error) bool {
	tick := time.NewTicker(session / 4)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return true
		case <-tick.C:
		}
		sent := time.Now()
		if sent.After(l.Until()) {
			return false
		}
		attempt, cancel := context.WithDeadline(ctx, l.Until())
		err := renew(attempt)
		cancel()
		switch {
		case ctx.Err() != nil:
			return true
		case err == nil:
			l.mu.Lock()
			l.until = sent.Add(session)
			l.mu.Unlock()
		case errors.Is(err, ErrLost):
			return false
		}
	}
}
