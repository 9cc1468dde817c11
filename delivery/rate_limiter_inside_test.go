package delivery

import (
	"testing"
	"time"
)

// Turns that are used a little late, as timers are, do not lower the rate; a pause does not make a burst.
func TestLateTurnsKeepTheRate(t *testing.T) {
	now := time.Now()
	p := newRateLimiter(1000)
	began := now
	for range 1000 {
		now = p.reserve(now).Add(time.Millisecond / 2)
	}
	if took := now.Sub(began); took < 998*time.Millisecond || took > 1005*time.Millisecond {
		t.Errorf("1,000 turns took %s", took)
	}
	now = now.Add(time.Minute)
	for i := range 10 {
		if turn, want := p.reserve(now), now.Add(time.Duration(i)*time.Millisecond); !turn.Equal(want) {
			t.Errorf("turn %d after a pause is at %s, want %s", i, turn.Sub(now), want.Sub(now))
		}
	}
}

// Turns that nobody takes are given back: those that waited when the destination failed do not delay those behind them.
func TestTurnsAreGivenBack(t *testing.T) {
	now := time.Now()
	p := newRateLimiter(0.1)
	first := p.reserve(now)
	for range 15 {
		p.reserve(now)
	}
	for range 15 {
		p.giveBack(now)
	}
	if next := p.reserve(now); next.Sub(first) != 10*time.Second {
		t.Errorf("the next turn is %s after the first", next.Sub(first))
	}
	p.giveBack(now.Add(time.Minute))
	if next := p.reserve(now.Add(time.Minute)); next.Sub(now) != time.Minute {
		t.Errorf("a turn of long ago is given again, after %s", next.Sub(now))
	}
}
