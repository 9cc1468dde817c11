package consumer

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestLeaseDeadlineFollowsProofs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		l := NewLease(start, 10*time.Second)
		wantDeadline(t, l, start.Add(10*time.Second))

		time.Sleep(4 * time.Second)
		sent := time.Now()
		time.Sleep(time.Second) // the answer takes a second; the proof is when the request was written
		if !l.Renew(sent) {
			t.Fatal("a lease renewed in time is lost")
		}
		wantDeadline(t, l, sent.Add(10*time.Second))

		l.Renew(start) // an answer that was overtaken
		wantDeadline(t, l, sent.Add(10*time.Second))
	})
}

// A process that was stopped for longer than its session finds the deadline past on its first look, and no later proof
// revives the lease.
func TestLeaseOfAPausedProcessStaysLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLease(time.Now(), 10*time.Second)
		time.Sleep(20 * time.Second)
		if d, ok := l.Deadline(); !ok || !d.Before(time.Now()) {
			t.Fatalf("deadline is %v, now is %v: want it past", d, time.Now())
		}
		if l.Renew(time.Now()) {
			t.Fatal("a proof revived a lost lease")
		}
		if d, _ := l.Deadline(); !d.Before(time.Now()) {
			t.Fatalf("deadline came back to %v", d)
		}
		if l.Owned() {
			t.Fatal("a lost lease is owned")
		}
	})
}

func TestLeaseLostByTheBrokersWord(t *testing.T) {
	l := NewLease(time.Now(), time.Hour)
	l.Lose()
	if d, _ := l.Deadline(); !d.Before(time.Now()) {
		t.Fatalf("deadline is %v: want it past", d)
	}
	if l.Renew(time.Now()) {
		t.Fatal("a proof revived a lost lease")
	}
}

func TestLeaseEndWaitsForItsFunctions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLease(time.Now(), time.Minute)
		var ran atomic.Int32
		l.AfterFunc(func() { time.Sleep(3 * time.Second); ran.Add(1) })
		l.AfterFunc(func() {
			ran.Add(1)
			l.AfterFunc(func() { time.Sleep(5 * time.Second); ran.Add(1) }) // registered after the end: runs at once
		})
		stop := l.AfterFunc(func() { ran.Add(100) })
		if !stop() || stop() {
			t.Fatal("stop must report true once")
		}
		start := time.Now()
		if !l.End(15 * time.Second) {
			t.Fatal("end gave up on functions that were in time")
		}
		if took := time.Since(start); took < 3*time.Second || took > 5*time.Second {
			t.Fatalf("end took %v", took)
		}
		time.Sleep(10 * time.Second)
		if ran.Load() != 3 {
			t.Fatalf("ran counts %d, want 3", ran.Load())
		}
		if !errors.Is(l.Err(), context.Canceled) {
			t.Fatalf("err is %v", l.Err())
		}
	})
}

func TestLeaseEndGivesUpAtTheDrainLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLease(time.Now(), time.Minute)
		l.AfterFunc(func() { time.Sleep(time.Hour) })
		start := time.Now()
		if l.End(15 * time.Second) {
			t.Fatal("end reports that a function returned which still runs")
		}
		if took := time.Since(start); took != 15*time.Second {
			t.Fatalf("end took %v, want 15s", took)
		}
		wantDeadline(t, l, start.Add(15*time.Second))
		time.Sleep(time.Hour)
	})
}

func TestLeaseCancelsContextsMadeFromIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLease(time.Now(), time.Minute)
		ctx, cancel := context.WithCancel(l)
		defer cancel()
		l.End(time.Second)
		synctest.Wait()
		if ctx.Err() != context.Canceled {
			t.Fatalf("the child's err is %v", ctx.Err())
		}
	})
}

func wantDeadline(t *testing.T, l *Lease, want time.Time) {
	t.Helper()
	if d, ok := l.Deadline(); !ok || !d.Equal(want) {
		t.Fatalf("deadline is %v, want %v", d, want)
	}
}
