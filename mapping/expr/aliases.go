package expr

import (
	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/expr/jq"
	"github.com/ciobridge/ciobridge/mapping/expr/limits"
)

// What callers need to know of the packages below, so that they import this one alone.
type (
	// Value is a value of a document, or one that a program made.
	Value = document.Value
	// Kind is the kind of a value.
	Kind = document.Kind
	// Members goes through the members of an object.
	Members = document.Members
	// InputError says why and where a document was refused.
	InputError = document.InputError
	// Definitions are functions that programs share.
	Definitions = jq.Definitions
	// CompileError says what is wrong with a program.
	CompileError = jq.CompileError
	// EvalError says why a run failed.
	EvalError = limits.EvalError
)

// The kinds of values.
const (
	Absent = document.Absent
	Null   = document.Null
	False  = document.False
	True   = document.True
	Number = document.Number
	String = document.String
	Array  = document.Array
	Object = document.Object
)

const (
	// TooLong is the kind of the error over a document that is too long.
	TooLong = document.TooLong
	// TimedOut is the kind of the error of a run that computed for longer than TimeLimit.
	TimedOut = limits.TimedOut
	// Unreadable is the kind of the error of a function that reads a time or a number, of a value that holds none.
	Unreadable = limits.Unreadable
	// TimeLimit is how long one run of a program may compute.
	TimeLimit = limits.TimeLimit
)

// TimeReader reads the times of producers; see document.TimeReader.
type TimeReader = document.TimeReader

// Define reads definitions of functions and adds them to outer; see jq.Define.
func Define(src string, outer *Definitions, vars ...string) (defs *Definitions, warnings []string, err error) {
	return jq.Define(src, outer, vars)
}

// MembersOf begins before the first member of an object.
func MembersOf(object Value) Members { return document.MembersOf(object) }

// AppendUnquoted appends the text of a key that Members gives, which may have escapes.
func AppendUnquoted(dst, key []byte) []byte { return document.AppendUnquoted(dst, key) }
