package limits

import (
	"fmt"
	"time"
)

// EvalKind says how the run of a program failed.
type EvalKind uint8

// The ways in which a run fails.
const (
	Failed         EvalKind = iota // a jq error
	SeveralOutputs                 // One met a second output
	TimedOut                       // longer than TimeLimit
	TooMuch                        // over MaxOutput, MaxOutputs, or a value too large to work on
	Unreadable                     // a function that reads a time or number of a value found none
)

// EvalError says why a run failed. Its text names types, never values.
type EvalError struct {
	Kind   EvalKind
	Reason string
	Took   time.Duration // of one that is TimedOut: how long the run had computed when it was stopped
}

// Error is the reason.
func (e *EvalError) Error() string { return e.Reason }

// Failedf is the error of a run that failed as a jq program does.
func Failedf(format string, args ...any) error {
	return &EvalError{Kind: Failed, Reason: fmt.Sprintf(format, args...)}
}

// Unreadablef is the error of a function that could not read what a value should hold.
func Unreadablef(format string, args ...any) error {
	return &EvalError{Kind: Unreadable, Reason: fmt.Sprintf(format, args...)}
}

// The errors of runs that met a limit.
var (
	ErrTooMuch  = &EvalError{Kind: TooMuch, Reason: "gave more than 256 KiB or 10,000 outputs"}
	ErrTooLarge = &EvalError{Kind: TooMuch, Reason: "made a value too large to work on"}
)

func timedOut(took time.Duration) error {
	return &EvalError{TimedOut, "did not end within 10 ms", took}
}
