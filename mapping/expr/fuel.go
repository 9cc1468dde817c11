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
// A step is an instruction, or bytesPerStep bytes that a function reads or makes. Functions cannot be stopped while they work, so that
// they pay before.
//
// A pause between two looks at the clock counts for little more than what was paid for: it is the machine that was busy with something
// else, and an event must not become a dead letter because of that. It may also have been an instruction that took long unpaid, such as the text of
// an error over a large object, for which gojq sorts its keys. So the steps after a pause are looked at one by one: pauses that follow
// each other are the program's.
type fuel struct {
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
	maxSteps     = 2_000_000
	bytesPerStep = 8
	lookEvery    = 64 // steps between two looks at the clock
	maxPause     = 2 * time.Millisecond
	maxStep      = 20 * time.Nanosecond
)

var errTooLarge = &EvalError{Kind: TooMuch, Reason: "made a value too large to work on"}

func timedOut(took time.Duration) error {
	return &EvalError{TimedOut, "did not end within 10 ms", took}
}

var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// burn counts one instruction and reports whether the run has used up what it may.
func (f *fuel) burn() bool {
	if f.steps++; f.steps-f.looked >= lookEvery || f.steps <= f.alert || f.last.IsZero() {
		f.look()
	}
	return f.failed != nil
}

func (f *fuel) look() {
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

// maxUsed is how many steps all runs on a document may take, about a second. An expression that goes through a list is quick, and
// takes minutes where it is run for each element of that list.
const maxUsed = 25 * maxSteps

// used is how many steps the run counts for on its document. One that took long over a few has done something that it did not pay for, and counts
// by its time.
func (f *fuel) used() int {
	if f.look(); f.spent > time.Millisecond {
		return max(f.steps, int(f.spent/maxStep))
	}
	return f.steps
}

// exhausted says that no run on the document may begin any more, or is nil.
func (d *Document) exhausted() error {
	if d.used > maxUsed {
		return &EvalError{Kind: TimedOut, Reason: "did not run: the event's expressions took as much as 25 may take alone"}
	}
	return nil
}

// payToRead pays for a look through the text of a value that a program on the fast path does in a loop.
func (d *Document) payToRead(v Value) error { return d.fuel.pay(len(v.Raw) / 8) }

// payToDecode pays for making gojq's values of a value.
func (d *Document) payToDecode(v Value) error { return d.fuel.pay(8 * len(v.Raw)) }

// payToCompare pays for the comparison of two values.
func (d *Document) payToCompare(l, r Value) error {
	if l.Kind != r.Kind || l.Kind < Array {
		return d.payToRead(l)
	}
	if err := d.payToDecode(l); err != nil {
		return err
	}
	return d.payToDecode(r)
}

// left is how many bytes the run may still read or make.
func (f *fuel) left() int { return max(0, maxSteps-f.steps) * bytesPerStep }

// pay counts bytes that are about to be read or made, or fails where the run may not.
func (f *fuel) pay(bytes int) error {
	if f.failed == nil && bytes > f.left() {
		f.failed = timedOut(f.took)
		if bytes > maxSteps*bytesPerStep/2 {
			f.failed = errTooLarge
		}
	}
	if f.failed != nil {
		return f.failed
	}
	f.steps += bytes / bytesPerStep
	return nil
}

// fail ends the run.
func (f *fuel) fail(why error) error {
	if f.failed == nil {
		f.failed = why
	}
	return f.failed
}

// Done is closed once the run has used up what it may.
func (f *fuel) Done() <-chan struct{} {
	if f.burn() {
		return closed
	}
	return nil
}

// Err is what gojq gives as the run's error once Done is closed.
func (f *fuel) Err() error { return f.failed }
