package deadletter

import (
	"testing"
	"time"
)

func TestWhatMayPass(t *testing.T) {
	for _, c := range []struct {
		err    error
		lasted time.Duration
		want   bool
	}{
		{ErrUnreachable, time.Hour, true}, {ErrMissing, 0, true}, {ErrMissing, missingLimit, false},
		{ErrDenied, 0, false},
	} {
		if got := Passing(c.err, c.lasted); got != c.want {
			t.Errorf("%v for %s: %t", c.err, c.lasted, got)
		}
	}
}
