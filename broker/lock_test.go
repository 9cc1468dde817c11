package broker_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/broker/lock"
)

func TestALockLastsWhileItIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var silent atomic.Bool
		released := 0
		renew := func(context.Context) error {
			if silent.Load() {
				return errors.New("no answer")
			}
			return nil
		}
		l := lock.Keep(t.Context(), begun, 10*time.Second, renew, func(context.Context) { released++ })
		time.Sleep(time.Hour)
		if left := time.Until(l.Until()); left < 7*time.Second || left > 10*time.Second {
			t.Errorf("after an hour it is certain for %s", left)
		}
		silent.Store(true)
		time.Sleep(7 * time.Second)
		silent.Store(false)
		time.Sleep(3 * time.Second)
		select {
		case <-l.Lost():
			t.Fatal("a pause that was shorter than the session lost it")
		default:
		}
		silent.Store(true)
		until := l.Until()
		<-l.Lost()
		if over := time.Since(until); over < 0 || over > 3*time.Second {
			t.Errorf("it was lost %s after it had ended", over)
		}
		l.Release()
		l.Release()
		if released != 1 {
			t.Errorf("released %d times", released)
		}
	})
}

func TestALockIsLostWhenTheStoreSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		l := lock.Keep(t.Context(), begun, 10*time.Second, func(context.Context) error { return lock.ErrLost },
			func(context.Context) {})
		<-l.Lost()
		if took := time.Since(begun); took != 2500*time.Millisecond {
			t.Errorf("it took %s", took)
		}
		l.Release()
	})
}

// The context of a lock ends when the right is no longer certain, not first when a renewal shows that.
func TestTheContextOfALockEndsWithTheRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var silent atomic.Bool
		l := lock.Keep(t.Context(), begun, 10*time.Second, func(ctx context.Context) error {
			if silent.Load() {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}, func(context.Context) {})
		defer l.Release()
		held, end := l.Context(t.Context())
		defer end()
		time.Sleep(time.Hour)
		if held.Err() != nil {
			t.Fatal("it ended, although the lock is renewed")
		}
		silent.Store(true)
		until := l.Until()
		<-held.Done()
		if !time.Now().Equal(until) || !errors.Is(context.Cause(held), lock.ErrLost) {
			t.Errorf("it ended at %s with %v, and the right at %s", time.Now(), context.Cause(held), until)
		}
		other, end := lock.New(func() {}).Context(t.Context())
		time.Sleep(time.Hour)
		if other.Err() != nil {
			t.Error("a lock without an end ended")
		}
		end()
	})
}
