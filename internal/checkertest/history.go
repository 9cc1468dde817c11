package checkertest

import (
	"fmt"
	"strings"
)

// Published is one event that a producer sent. Seq counts a person's events from 1 in the order of their partition or
// stream.
type Published struct {
	Person string
	Seq    int
	// Unknown is true when the broker's acknowledgement never came: the event may be there or not.
	Unknown bool
}

// Receipt is one call as the destination received it, in order of arrival.
type Receipt struct {
	Person string
	Seq    int
	ID     string // the call's id, by which the destination drops repeats; empty where the call carries none
	Body   string // the call without what may differ between attempts; compared between receipts of one event
	Taken  bool   // whether the destination accepted it
}

// Settled names an event that ended otherwise than by delivery: dead-lettered, or skipped by a rule.
type Settled struct {
	Person string
	Seq    int
}

// History is everything that a test saw.
type History struct {
	Published   []Published
	Receipts    []Receipt
	DeadLetters []Settled
	Skipped     []Settled
	// Final is the last Seq that the destination shows for each person, if the test can tell.
	Final map[string]int
}

// Limits says which faults were injected, and so what may be seen.
type Limits struct {
	// Fallbacks allows a person's accepted calls to fall back to an earlier point and be replayed from there, as
	// after a crash or a rebalance.
	Fallbacks bool
	// Repeats is how many accepted receipts may be repeats, -1 for any number.
	Repeats int
}

// Kind classifies a problem.
type Kind string

// The kinds of problems.
const (
	Lost       Kind = "lost"         // published, and neither accepted nor settled
	Phantom    Kind = "phantom"      // received, but never published
	OutOfOrder Kind = "out of order" // accepted before something that stood before it
	Repeated   Kind = "repeated"     // accepted more often than allowed
	Changed    Kind = "changed"      // one event, two identities or bodies; or two events with one identity
	Both       Kind = "both"         // accepted and dead-lettered
	Final      Kind = "final state"  // the destination's last state is not the last event's
)

// A Problem is one thing that is wrong with a history.
type Problem struct {
	Kind   Kind
	Person string
	Seq    int
	Text   string
}

func (p Problem) String() string {
	return fmt.Sprintf("%s: %s #%d: %s", p.Kind, p.Person, p.Seq, p.Text)
}

// Report is the judgement of a history.
type Report struct {
	Problems []Problem
	Events   int // published for certain
	Accepted int // distinct events accepted
	Repeats  int // accepted receipts beyond the first of an event
}

// Err is nil when nothing is wrong, and otherwise tells the first problems.
func (r Report) Err() error {
	if len(r.Problems) == 0 {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d problems:", len(r.Problems))
	for i, p := range r.Problems {
		if i == 10 {
			b.WriteString("\n  …")
			break
		}
		fmt.Fprintf(&b, "\n  %s", p)
	}
	return fmt.Errorf("%s", b.String())
}
