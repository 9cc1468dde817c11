package logtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/broker/lock"
	"github.com/ciobridge/ciobridge/deadletter"
)

// Locker is a store whose lock outlives a holder that is killed.
type Locker interface {
	Lock(ctx context.Context, waiting func(until time.Time)) (*lock.Lock, error)
}

// Patient takes a lock that may have to be waited for.
func Patient(t *testing.T) func(time.Time) {
	return func(until time.Time) { t.Logf("waits for %s", time.Until(until)) }
}

// Stays watches that a lock is kept.
func Stays(t *testing.T, held *lock.Lock, limit time.Duration) {
	t.Helper()
	select {
	case <-held.Lost():
		t.Error("the lock is lost, though nobody else has it")
	case <-time.After(limit):
	}
}

// AKilledHolderIsWaitedFor takes the lock of a holder that was killed a moment ago: it waits for the end of the dead
// one's session, says so, and keeps its lock.
func AKilledHolderIsWaitedFor(t *testing.T, s Locker) {
	begun := time.Now()
	var told []time.Time
	held, err := s.Lock(t.Context(), func(until time.Time) { told = append(told, until) })
	if err != nil {
		t.Fatalf("after %s: %v", time.Since(begun), err)
	}
	defer held.Release()
	if took := time.Since(begun); took < lock.Session/4 {
		t.Fatalf("nobody held the lock: it took %s", took)
	}
	if len(told) == 0 || told[0].Before(begun) || told[0].After(begun.Add(2*lock.Session)) {
		t.Errorf("it was told to wait until %v, from %v on", told, begun)
	}
	if left := time.Until(held.Until()); left < lock.Session/2 {
		t.Errorf("the new lock is certain for %s", left)
	}
	Stays(t, held, lock.Session*3/2)
}

// ALivingHolderIsNotWaitedFor tries for a lock whose holder lives: that is known by its renewals, and not waited for
// longer.
func ALivingHolderIsNotWaitedFor(t *testing.T, s Locker) {
	held, err := s.Lock(t.Context(), Patient(t))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	begun := time.Now()
	if _, err := s.Lock(t.Context(), Patient(t)); !errors.Is(err, deadletter.ErrReplayRunning) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begun); took > lock.Session {
		t.Errorf("it took %s to see that the holder lives", took)
	}
	Stays(t, held, lock.Session)
}
