package event

import "time"

// Raw is what a request that a rule writes by itself has beside its line and its body.
type Raw struct {
	// Header is sent beside what every request has. Nothing in it authorises anything.
	Header map[string][]string
	*RawStep
}

// RawStep is the part of such a request that is known when its rule is compiled; shared by all calls of that step.
type RawStep struct {
	Target  string        // method, API and path without values, for the log
	Timeout time.Duration // of one attempt; 0 is the destination's
	Form    AnswerForm    // of what it is answered
	ReplyTo string        // the topic or subject to which the answer is published; empty for none
	Debug   bool          // attempts are logged
	Retry   RawRetry
}

// AnswerForm says what an answer is expected to be.
type AnswerForm string

// The forms of answers.
const (
	AnswerJSON   AnswerForm = "json"
	AnswerText   AnswerForm = "text"
	AnswerBinary AnswerForm = "binary"
)

// RawRetry says how often a request is made, and after which pauses. Its zero value leaves that to the bridge, which
// tries for as long as it takes.
type RawRetry struct {
	Most      int           // attempts, the first included; 0 is no limit
	Delay     time.Duration // before the second attempt; 0 is as the bridge has it
	Growing   bool          // each pause is twice the one before
	AllErrors bool          // what is refused is tried again, too
}

// Answer is what the other side wrote, for a call whose answer is published. It may hold personal data.
type Answer struct {
	Status int
	Type   string // of the body
	Body   []byte
	Cut    bool // the body is too long to be published, and left out
}
