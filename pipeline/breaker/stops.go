package breaker

import (
	"cmp"
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// Cause says why something has stopped. The set is closed.
type Cause string

// The causes.
const (
	Failing   Cause = "failing"    // most of what the rule makes fails, or most of the topic's events cannot be read
	NewPeople Cause = "new_people" // the rule names more people than it may that were not named before
)

// A Stop tells what has stopped, and why.
type Stop struct {
	Subject
	Cause Cause
	Since time.Time
}

// Stops are the rules and topics that have stopped. Nothing changes them, so that any goroutine may ask. Nil is none.
type Stops struct {
	list          []Stop
	rules, topics map[string]bool
}

// Rule reports whether a rule has stopped.
func (s *Stops) Rule(name string) bool { return s != nil && s.rules[name] }

// Topic reports whether a topic or stream has stopped.
func (s *Stops) Topic(name string) bool { return s != nil && s.topics[name] }

// Has reports whether a subject's rule or topic has stopped, in whichever stage.
func (s *Stops) Has(of Subject) bool {
	if of.Rule == "" {
		return s.Topic(of.Topic)
	}
	return s.Rule(of.Rule)
}

// Holds reports whether what failed of a message of a topic belongs to a rule that has stopped or, where no rule is to
// blame, the topic has.
func (s *Stops) Holds(topic string, failures []event.Failure) bool {
	if s == nil {
		return false
	}
	for i := range failures {
		if s.Has(Subject{Rule: failures[i].Rule, Topic: topic}) {
			return true
		}
	}
	return false
}

// List gives what has stopped, sorted.
func (s *Stops) List() []Stop {
	if s == nil {
		return nil
	}
	return s.list
}

// with has one more.
func (s *Stops) with(stop Stop) *Stops { return newStops(append(slices.Clone(s.List()), stop)) }

// without has those that are not chosen.
func (s *Stops) without(chosen func(Stop) bool) *Stops {
	return newStops(slices.DeleteFunc(slices.Clone(s.List()), chosen))
}

func newStops(list []Stop) *Stops {
	if len(list) == 0 {
		return nil
	}
	s := &Stops{list: list, rules: map[string]bool{}, topics: map[string]bool{}}
	slices.SortFunc(list, func(a, b Stop) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Rule, b.Rule))
	})
	for _, of := range list {
		if of.Rule == "" {
			s.topics[of.Topic] = true
		} else {
			s.rules[of.Rule] = true
		}
	}
	return s
}
