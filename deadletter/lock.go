package deadletter

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"
)

// LockSession is how long a lock outlives the death of its holder.
const LockSession = 10 * time.Second

// Lock is the right to replay, which one process has at a time. A store gives it, and it lasts until Release, unless it
// is lost before: Lost closes when another has taken it, and when the store has not answered until the time of Until.
// Nothing may be sent after that time.
type Lock struct {
	lost    chan struct{}
	release func()

	mu    sync.Mutex
	until time.Time // zero: needs no renewal
}

// NewLock is a lock that lasts until it is released, such as one that the operating system keeps.
func NewLock(release func()) *Lock {
	return &Lock{lost: make(chan struct{}), release: sync.OnceFunc(release)}
}

// Lost closes when the right is lost: another replay may begin.
func (l *Lock) Lost() <-chan struct{} { return l.lost }

// Until is the time up to which the right is certain. It moves forward while the store answers; zero means for good.
func (l *Lock) Until() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.until
}

// Release gives the right up and waits until what kept it has ended.
func (l *Lock) Release() { l.release() }

// LogWaiting returns a function for a store's Lock, which logs that another holds the lock.
func LogWaiting(log *zap.Logger) func(until time.Time) {
	return func(until time.Time) {
		log.Warn("another replay holds the lock of these dead letters, or was killed while it held it; waiting",
			zap.Time("until", until))
	}
}

// ErrLockTaken is what a renewal returns if the store says that another has the lock.
var ErrLockTaken = errors.New("the lock of the replay is lost")

// KeepLock holds a lock that was proved at the time of proof. Every renewal makes it last for one session more, and
// there are four in a session. Renew returns ErrLockTaken if another has the lock; any other error means that the store
// did not answer, which loses the lock only when the session is over. The first Release of the lock ends its renewal
// and then calls release.
func KeepLock(
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
		case errors.Is(err, ErrLockTaken):
			return false
		}
	}
}
