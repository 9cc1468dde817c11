package expr

import (
	"context"
	"time"
)

// TimeLimit is how long one run of a program may compute.
const TimeLimit = 10 * time.Millisecond

// fuel is what one run may use. For gojq it is the run's context: gojq asks Done before each of its instructions, so that the run can
// be measured without a timer and without a goroutine, and one that never ends is stopped even where the clock stands still.
//
// A pause between two looks at the clock counts for no more than maxPause: it is the machine that was busy with something else,
// and an event must not become a dead letter because of that.
type fuel struct {
	context.Context
	steps int
	last  time.Time
	spent time.Duration
}

const (
	maxSteps  = 2_000_000
	lookEvery = 256 // instructions between two looks at the clock
	maxPause  = time.Millisecond
)

var errTimedOut = &EvalError{TimedOut, "did not end within 10 ms"}

var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// burn counts one instruction and reports whether the run has used up what it may.
func (f *fuel) burn() bool {
	if f.steps++; f.steps%lookEvery == 0 || f.last.IsZero() {
		now := time.Now()
		if !f.last.IsZero() {
			f.spent += min(now.Sub(f.last), maxPause)
		}
		f.last = now
	}
	return f.steps > maxSteps || f.spent > TimeLimit
}

// Done is closed once the run has used up what it may.
func (f *fuel) Done() <-chan struct{} {
	if f.burn() {
		return closed
	}
	return nil
}

// Err is what gojq gives as the run's error once Done is closed.
func (f *fuel) Err() error { return errTimedOut }
