package batch

import (
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/pipeline/inflight"
)

// TestPoisonNeedsFailuresAlone: what a call has lived through in company, or while nothing was accepted, does not
// count.
func TestPoisonNeedsFailuresAlone(t *testing.T) {
	b := &Bisector{}
	now := time.Now()
	c := &inflight.Call{Message: &inflight.Message{},
		History: &inflight.History{First: now.Add(-2 * time.Hour), Attempts: 80}, Limit: 1}
	f := Failure{Calls: 1}
	for i := range PoisonAttempts {
		b.Accepted()
		if b.Narrow(c, f, now.Add(time.Duration(i)*time.Minute)) {
			t.Fatalf("poison after %d failures alone", i+1)
		}
	}
	for range 100 { // an outage
		if b.Narrow(c, f, now.Add(time.Hour)) {
			t.Fatal("poison while nothing is accepted")
		}
	}
	b.Accepted()
	if !b.Narrow(c, f, now.Add(time.Hour)) {
		t.Error("no poison after all")
	}
}

// TestPoisonIsRationed: more than so many an hour is an outage.
func TestPoisonIsRationed(t *testing.T) {
	b := &Bisector{}
	now := time.Now()
	for i := range 2 * PoisonPerHour {
		if got := b.allow(&inflight.Message{}, now.Add(time.Duration(i)*time.Minute)); got != (i < PoisonPerHour) {
			t.Errorf("call %d: %v", i, got)
		}
	}
	if !b.allow(&inflight.Message{}, now.Add(time.Hour)) || b.allow(&inflight.Message{}, now.Add(time.Hour)) {
		t.Error("an hour after the first there is room for one")
	}
}

// TestLoneFailuresAreCountedOnce: every call that fails alone counts once, until it is settled.
func TestLoneFailuresAreCountedOnce(t *testing.T) {
	b := &Bisector{}
	c := &inflight.Call{Message: &inflight.Message{}, History: &inflight.History{}}
	for range 3 {
		b.Narrow(c, Failure{Calls: 1}, time.Now())
	}
	if b.Alone() != 1 {
		t.Errorf("%d, want 1", b.Alone())
	}
	b.Forget(c)
	b.Forget(c)
	if b.Alone() != 0 {
		t.Errorf("%d left", b.Alone())
	}
}

// TestARefusedRequestIsHalvedAtOnce, while one that fails without a verdict waits for somebody else to be accepted.
func TestARefusedRequestIsHalvedAtOnce(t *testing.T) {
	for _, c := range []struct {
		f     Failure
		other bool
		limit int32
	}{
		{Failure{Calls: 8}, false, 8},
		{Failure{Calls: 8}, true, 4},
		{Failure{Calls: 8, AtFault: true}, false, 4},
		{Failure{Calls: 8, All: true}, false, 4},
		{Failure{Calls: 1, AtFault: true}, false, 1},
	} {
		b := &Bisector{}
		if c.other {
			b.Accepted()
		}
		call := &inflight.Call{Message: &inflight.Message{}, History: &inflight.History{Attempts: 2}}
		b.Narrow(call, c.f, time.Now())
		if call.Limit != c.limit {
			t.Errorf("%+v: at most %d calls together, want %d", c.f, call.Limit, c.limit)
		}
	}
}
