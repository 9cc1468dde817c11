package expr

import (
	"fmt"
	"strings"
	"time"
)

// Limits of a document and of one run of a program.
const (
	MaxDepth    = 64        // arrays and objects inside each other
	MaxDocument = 1 << 20   // bytes of a document
	MaxDigits   = 1000      // digits of a number, also of one that a program writes or makes
	MaxProgram  = 16 << 10  // bytes of a program
	MaxBrackets = 256       // brackets of a program inside each other
	MaxPath     = 1000      // steps of a path
	MaxOutput   = 256 << 10 // bytes of all outputs of one run
	MaxOutputs  = 10_000    // outputs of one run
)

// InputKind says why a document was refused.
type InputKind uint8

// The reasons for which a document is refused.
const (
	NotJSON       InputKind = iota // does not follow RFC 8259, or ends too early
	InvalidUTF8                    // bytes that are not UTF-8 inside a string
	LoneSurrogate                  // a \u escape for half of a surrogate pair
	DuplicateKey                   // an object names the same key twice
	TooDeep                        // nested deeper than MaxDepth
	TooLong                        // longer than MaxDocument
	Empty                          // nothing, or white space alone
	Trailing                       // more bytes after the first value
	LongNumber                     // a number of more than MaxDigits digits
	NumberRange                    // a number outside the range of 64-bit floats
)

var inputTexts = [...]string{
	NotJSON:       "not valid JSON",
	InvalidUTF8:   "invalid UTF-8 in a string",
	LoneSurrogate: "half of a surrogate pair in a string",
	DuplicateKey:  "an object names the same key twice",
	TooDeep:       "nested more than 64 levels deep",
	TooLong:       "longer than 1 MiB",
	Empty:         "empty",
	Trailing:      "more than one JSON value",
	LongNumber:    "a number of more than 1,000 digits",
	NumberRange:   "a number outside the range of 64-bit floats",
}

// String says the reason in a few words.
func (k InputKind) String() string { return inputTexts[k] }

// InputError says why and where a document was refused. It never quotes the document.
type InputError struct {
	Kind   InputKind
	Offset int // bytes before the place
}

// Error names the reason and the place.
func (e *InputError) Error() string { return fmt.Sprintf("%s at byte %d", e.Kind, e.Offset) }

// CompileError says what is wrong with a program and what to do about it.
type CompileError struct {
	Source string // the program
	Offset int    // bytes of Source before the place, or -1 where the program as a whole is meant
	Reason string
}

// Error names the place and the reason.
func (e *CompileError) Error() string {
	source := e.Source
	if len(source) > 200 {
		source = strings.ToValidUTF8(source[:200], "") + "…"
	}
	if e.Offset < 0 {
		return fmt.Sprintf("expression %q: %s", source, e.Reason)
	}
	return fmt.Sprintf("expression %q at byte %d: %s", source, e.Offset, e.Reason)
}

// EvalKind says how the run of a program failed.
type EvalKind uint8

// The ways in which a run fails.
const (
	Failed         EvalKind = iota // a jq error
	SeveralOutputs                 // One met a second output
	TimedOut                       // longer than TimeLimit
	TooMuch                        // over MaxOutput, MaxOutputs, or a value too large to work on
)

// EvalError says why a run failed. Its text names types, never values.
type EvalError struct {
	Kind   EvalKind
	Reason string
	Took   time.Duration // of one that is TimedOut: how long the run had computed when it was stopped
}

// Error is the reason.
func (e *EvalError) Error() string { return e.Reason }
