package rawcall

import (
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/mapping/operand"
)

// Spec is what a rule says of a request.
type Spec struct {
	API     string
	Method  string
	Path    string // with expressions in braces
	Query   []Named
	Headers []Named
	Body    operand.Node // JSON; a text as it is where a header says that it is none
	Form    []Named      // in place of a body
	Files   []File       // in place of a body, beside Form
	Timeout time.Duration
	Retry   Retry
	// Response is json, which is also what nothing means, text or binary.
	Response string
	ReplyTo  string
	Debug    bool

	Pos mistake.Place `json:"-"`
}

// IsZero reports whether nothing was written.
func (s *Spec) IsZero() bool { return s == nil }

// Named is a value with a name.
type Named struct {
	Name     string
	Value    operand.Term
	Required bool `json:",omitempty"` // without the value there is no call
}

// File is a file of a form.
type File struct {
	Field   string
	Name    operand.Term
	Content operand.Term
	Type    string
	Base64  bool `json:",omitempty"` // the content is in base64

	Pos mistake.Place `json:"-"`
}

// Retry says how often a request is made.
type Retry struct {
	MaxAttempts int           `json:",omitempty"`
	Delay       time.Duration `json:",omitempty"`
	Backoff     string        `json:",omitempty"` // constant, which is also what nothing means, or exponential
	AllErrors   bool          `json:",omitempty"`
}

// The words of Backoff.
const (
	Constant    = "constant"
	Exponential = "exponential"
)

// Backoffs are the words of a retry's backoff, and Responses those of what an answer is expected to be.
func Backoffs() []string { return []string{Constant, Exponential} }

// Responses are the forms of an answer.
func Responses() []string {
	return []string{string(event.AnswerJSON), string(event.AnswerText), string(event.AnswerBinary)}
}
