package deadletter

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestAHoldLastsWhileItIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		answer := error(nil)
		released := 0
		h := keep(t.Context(), begun, 10*time.Second, func(context.Context) error { return answer }, func(context.Context) { released++ })
		time.Sleep(time.Hour)
		if left := time.Until(h.Until()); left < 7*time.Second || left > 10*time.Second {
			t.Errorf("after an hour it is certain for %s", left)
		}
		answer = errors.New("no answer")
		time.Sleep(7 * time.Second)
		answer = nil
		time.Sleep(3 * time.Second)
		select {
		case <-h.Lost():
			t.Fatal("a pause that was shorter than the session lost it")
		default:
		}
		answer = errors.New("no answer")
		until := h.Until()
		<-h.Lost()
		if over := time.Since(until); over < 0 || over > 3*time.Second {
			t.Errorf("it was lost %s after it had ended", over)
		}
		h.Release()
		h.Release()
		if released != 1 {
			t.Errorf("released %d times", released)
		}
	})
}

func TestAHoldIsLostWhenTheStoreSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		h := keep(t.Context(), begun, 10*time.Second, func(context.Context) error { return errLockLost }, func(context.Context) {})
		<-h.Lost()
		if took := time.Since(begun); took != 2500*time.Millisecond {
			t.Errorf("it took %s", took)
		}
		h.Release()
	})
}
