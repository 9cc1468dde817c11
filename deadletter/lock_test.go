package deadletter

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
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
		l := KeepLock(t.Context(), begun, 10*time.Second, renew, func(context.Context) { released++ })
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
		l := KeepLock(t.Context(), begun, 10*time.Second, func(context.Context) error { return ErrLockTaken },
			func(context.Context) {})
		<-l.Lost()
		if took := time.Since(begun); took != 2500*time.Millisecond {
			t.Errorf("it took %s", took)
		}
		l.Release()
	})
}
