package syntax

import (
	"strconv"

	"github.com/itchyny/gojq"
)

// Number is a number.
func Number(n int) *gojq.Query {
	return &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeNumber, Number: strconv.Itoa(n)}}
}

// Identity is the program that gives its input.
func Identity() *gojq.Query { return &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeIdentity}} }

// Call is the call of a function, or a variable where the name begins with a dollar sign.
func Call(name string, args ...*gojq.Query) *gojq.Query {
	return &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: name, Args: args}}}
}

// Group puts q in brackets.
func Group(q *gojq.Query) *gojq.Query {
	return &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeQuery, Query: q}}
}

// Pipe sends the outputs of each into the next.
func Pipe(first *gojq.Query, rest ...*gojq.Query) *gojq.Query {
	if len(rest) == 0 {
		return first
	}
	return &gojq.Query{Left: first, Op: gojq.OpPipe, Right: Pipe(rest[0], rest[1:]...)}
}

// Bind is value as $name | body; name has its dollar sign.
func Bind(value *gojq.Query, name string, body *gojq.Query) *gojq.Query {
	return &gojq.Query{Left: value, Op: gojq.OpPipe, Patterns: []*gojq.Pattern{{Name: name}}, Right: body}
}

// Clone gives q without the functions that are defined before it, which Replace leaves in their place.
func Clone(q *gojq.Query) *gojq.Query {
	c := *q
	c.FuncDefs = nil
	return &c
}

// Replace puts another program in the place of q, behind the functions that are defined there.
func Replace(q, with *gojq.Query) {
	defs := q.FuncDefs
	*q = *with
	q.FuncDefs = defs
}
