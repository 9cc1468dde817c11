package lead

import (
	"context"
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/broker/lock"
	"github.com/ciobridge/ciobridge/internal/retry"
	"github.com/ciobridge/ciobridge/report"
)

// A Lead is the right of one process to run the reports of a store.
type Lead struct {
	Session time.Duration // for which the right outlives the death of its holder
	Settle  time.Duration // within which a write that failed may still be stored
	failed  time.Time     // when a write last did
}

// New is a lead with the times that hold for all.
func New() Lead { return Lead{Session: lock.Session, Settle: report.Settle} }

// Note notes what became of a write. It returns the error.
func (l *Lead) Note(err error) error {
	if err != nil {
		l.failed = time.Now()
	}
	return err
}

// Take does what Lead of report.Store promises, with the lock that acquire asks for.
func (l *Lead) Take(
	ctx context.Context, standby func(), acquire func(context.Context, lock.Wish) (*lock.Lock, error),
) (led context.Context, release func(), err error) {
	standby = sync.OnceFunc(standby)
	for {
		begun, waited := time.Now(), false
		held, err := acquire(ctx, lock.Wish{
			Session: l.Session,
			Waiting: func(time.Time) {
				waited = true
				standby()
			},
			Alive: func() error {
				waited = true
				standby()
				return ctx.Err()
			},
		})
		if err != nil {
			return nil, nil, err
		}
		led, end := held.Context(ctx)
		release := sync.OnceFunc(func() {
			if late := l.Settle - time.Since(l.failed); late > 0 {
				time.Sleep(late)
			}
			end()
			held.Release()
		})
		// One that died a while ago may have been waited for without a word.
		waited = waited || time.Since(begun) > l.Session/10
		if !waited || retry.Sleep(led, l.Settle) {
			return led, release, nil
		}
		release()
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
	}
}
