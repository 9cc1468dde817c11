package limits

import (
	"context"
	"time"
)

// Fuel is what one run may use. For gojq it is the run's context: gojq asks Done before each of its instructions, so
// that the run can be measured without a timer and without a goroutine, and one that never ends is stopped even where
// the clock stands still.
//
// A step is an instruction, or BytesPerStep bytes that a function reads or makes. Functions cannot be stopped while
// they work, so that they pay before.
//
// A pause between two looks at the clock counts for little more than what was paid for: it is the machine that was
// busy with something else, and an event must not become a dead letter because of that. It may also have been an
// instruction that took long unpaid, such as the text of an error over a large object, for which gojq sorts its keys.
// So the steps after a pause are looked at one by one: pauses that follow each other are the program's.
type Fuel struct {
	context.Context
	steps  int
	looked int // steps at the last look at the clock
	last   time.Time
	spent  time.Duration
	took   time.Duration // with all pauses
	alert  int           // up to this step the clock is looked at before each, because of a pause
	gave   bool          // an output since the last look: what the caller does with it is not the program's time
	failed error         // the limit that was met; a program cannot go on by catching it
}

const (
	// BytesPerStep is how many bytes may be read or made for a step.
	BytesPerStep = 8

	maxSteps  = 2_000_000
	lookEvery = 64 // steps between two looks at the clock
	maxPause  = 2 * time.Millisecond
	maxStep   = 20 * time.Nanosecond
)

var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// Burn counts one instruction and reports whether the run has used up what it may.
func (f *Fuel) Burn() bool {
	if f.steps++; f.steps-f.looked >= lookEvery || f.steps <= f.alert || f.last.IsZero() {
		f.look()
	}
	return f.failed != nil
}

func (f *Fuel) look() {
	now := time.Now()
	if !f.last.IsZero() && !f.gave {
		since := now.Sub(f.last)
		f.took += since
		f.spent += min(since, maxPause+time.Duration(f.steps-f.looked)*maxStep)
		if since > maxPause {
			f.alert = f.steps + lookEvery
		}
	}
	f.last, f.looked, f.gave = now, f.steps, false
	if f.failed == nil && (f.steps > maxSteps || f.spent > TimeLimit) {
		f.failed = timedOut(f.took)
	}
}

// MaxUsed is how many steps all runs on a document may take, about a second. An expression that goes through a list
// is quick, and takes minutes where it is run for each element of that list.
const MaxUsed = 25 * maxSteps

// Used is how many steps the run counts for on its document. One that took long over a few has done something that it
// did not pay for, and counts by its time.
func (f *Fuel) Used() int {
	if f.look(); f.spent > time.Millisecond {
		return max(f.steps, int(f.spent/maxStep))
	}
	return f.steps
}

// Left is how many bytes the run may still read or make.
func (f *Fuel) Left() int { return max(0, maxSteps-f.steps) * BytesPerStep }

// Pay counts bytes that are about to be read or made, or fails where the run may not.
func (f *Fuel) Pay(bytes int) error {
	if f.failed == nil && bytes > f.Left() {
		f.failed = timedOut(f.took)
		if bytes > maxSteps*BytesPerStep/2 {
			f.failed = ErrTooLarge
		}
	}
	if f.failed != nil {
		return f.failed
	}
	f.steps += bytes / BytesPerStep
	return nil
}

// Fail ends the run.
func (f *Fuel) Fail(why error) error {
	if f.failed == nil {
		f.failed = why
	}
	return f.failed
}

// Done is closed once the run has used up what it may.
func (f *Fuel) Done() <-chan struct{} {
	if f.Burn() {
		return closed
	}
	return nil
}

// Err is what gojq gives as the run's error once Done is closed.
func (f *Fuel) Err() error { return f.failed }

// Failed is the limit that the run has met, or nil.
func (f *Fuel) Failed() error { return f.failed }

// Steps is how many steps the run has taken.
func (f *Fuel) Steps() int { return f.steps }

// Gave notes that the caller has an output, so that what it does with that is not the program's time.
func (f *Fuel) Gave() { f.gave = true }

// Pause notes that the clock does not run until the next step.
func (f *Fuel) Pause() { f.last = time.Time{} }

// Spent is fuel that has met a limit already, or fuel for a run where there is none.
func Spent(failed error) Fuel { return Fuel{failed: failed} }

// NewFuel is the fuel for one run of gojq, whose context it is.
func NewFuel() Fuel { return Fuel{Context: context.Background()} }
