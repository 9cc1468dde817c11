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
