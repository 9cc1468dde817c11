package source

import (
	"fmt"
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/deadletter"
)

// Grade says how bad a finding is.
type Grade string

// The grades. A failure keeps events from flowing, or loses some. A warning says what will one day.
const (
	OK      Grade = "ok"
	Warning Grade = "warning"
	Failure Grade = "failure"
)

// A Finding is what an examination says of one thing.
type Finding struct {
	Grade Grade  `json:"grade"`
	What  string `json:"what"`           // what was looked at, such as "retention of topic orders"
	Found string `json:"found"`          // how it stands
	Do    string `json:"do,omitempty"`   // what to do about it; empty where all is well
	Code  int    `json:"code,omitempty"` // the exit code of a failure
}

// An Examination says what is expected of the broker.
type Examination struct {
	Outage      time.Duration // for so long the bridge may have to do without Customer.io, or be stopped
	DeadLetters deadletter.Config
	// Code is the exit code of what the broker fails at.
	Code int

	findings []Finding
}

// OK notes that something is as it should be.
func (e *Examination) OK(what, format string, args ...any) {
	e.findings = append(e.findings, Finding{Grade: OK, What: what, Found: fmt.Sprintf(format, args...)})
}

// Warn notes something that will cost events one day, and what to do about it.
func (e *Examination) Warn(what, found, do string) {
	e.findings = append(e.findings, Finding{Grade: Warning, What: what, Found: found, Do: do})
}

// Fail notes something that keeps events from flowing, or loses some.
func (e *Examination) Fail(what, found, do string) {
	e.findings = append(e.findings, Finding{Grade: Failure, What: what, Found: found, Do: do, Code: e.Code})
}

// Failed reports whether a failure was noted.
func (e *Examination) Failed() bool {
	return slices.ContainsFunc(e.findings, func(f Finding) bool { return f.Grade == Failure })
}

// Findings are those that were noted, in their order.
func (e *Examination) Findings() []Finding { return e.findings }
