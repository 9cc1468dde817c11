package expr

import (
	"context"
	"errors"
	"time"

	"github.com/itchyny/gojq"
)

// TimeLimit is how long one run of a program that is not plain may compute.
const TimeLimit = 10 * time.Millisecond

// jqProgram is a program that runs on gojq.
type jqProgram struct {
	code *gojq.Code
	vars []string // those that the program uses
}

func newJQ(q *gojq.Query, vars []string) (*jqProgram, error) {
	var named []string
	for _, v := range vars {
		named = append(named, "$"+v)
	}
	options := append([]gojq.CompilerOption{
		gojq.WithFunction("unix", 0, 0, jqUnix(1)),
		gojq.WithFunction("unix_ms", 0, 0, jqUnix(1000)),
		gojq.WithVariables(named),
	}, guards...)
	code, err := gojq.Compile(guarded(q), options...)
	if err != nil {
		return nil, err
	}
	return &jqProgram{code, vars}, nil
}

func jqUnix(perSecond int64) func(any, []any) any {
	return func(in any, _ []any) any {
		if in == nil {
			return nil
		}
		v, err := encode(nil, in)
		if err != nil {
			return err
		}
		t, err := unixTime(v, perSecond)
		if err != nil {
			return err
		}
		return int(t)
	}
}

// run yields the outputs of the program.
func (j *jqProgram) run(d *Document, yield func(Value) error) error {
	if !d.ready {
		d.decoded, d.ready = decode(d.root.Raw), true
	}
	vars := make([]any, len(j.vars))
	for i, name := range j.vars {
		vars[i] = decode(d.lookup(name).Raw)
	}
	var m meter
	outputs := j.code.RunWithContext(newFuel(), d.decoded, vars...)
	for {
		out, ok := outputs.Next()
		if !ok {
			return nil
		}
		if err, ok := out.(error); ok {
			return evalError(err)
		}
		start := len(d.arena)
		v, err := encode(d.arena, out)
		if err != nil {
			return err
		}
		d.arena = v.Raw
		v.Raw = v.Raw[start:len(v.Raw):len(v.Raw)]
		if err := m.add(v); err != nil {
			return err
		}
		if err := yield(v); err != nil {
			return err
		}
	}
}

// fuel is the context of one run. Gojq asks Done before each of its instructions, so that the run can be measured without a timer
// and without a goroutine: a run that never ends is stopped even where the clock stands still.
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

func newFuel() *fuel { return &fuel{Context: context.Background(), last: time.Now()} }

// Done is closed once the run has used up what it may.
func (f *fuel) Done() <-chan struct{} {
	if f.steps++; f.steps%lookEvery == 0 {
		now := time.Now()
		f.spent += min(now.Sub(f.last), maxPause)
		f.last = now
	}
	if f.steps > maxSteps || f.spent > TimeLimit {
		return closed
	}
	return nil
}

// Err is what gojq gives as the run's error once Done is closed.
func (f *fuel) Err() error { return errTimedOut }

// evalError puts an error of gojq into words of our own. Gojq's text quotes values and is not kept.
func evalError(err error) error {
	var own *EvalError
	if errors.As(err, &own) {
		return own
	}
	var thrown gojq.ValueError
	if errors.As(err, &thrown) {
		return failedf("called error")
	}
	return &EvalError{Failed, describe(err)}
}
