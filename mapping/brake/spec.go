package brake

import (
	"errors"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/mistake"
)

// Spec is what a rule says beside what it makes of events. Nothing in it changes a call.
type Spec struct {
	Owner     string    `json:",omitempty"` // who answers for the rule
	OnFailure string    `json:",omitempty"` // Stop or DeadLetter; empty is Stop
	NewPeople NewPeople `json:",omitzero"`
}

// What becomes of a rule of which most fails.
const (
	Stop       = "stop"        // its events are held until somebody has looked
	DeadLetter = "dead_letter" // what fails is a dead letter, however much that is
)

// NewPeople bounds how many people a rule names who were not named before.
type NewPeople struct {
	Limit int           `yaml:"limit"` // 0 is no limit
	Per   time.Duration `yaml:"per"`   // 1 h unless set
}

// Validate reports every mistake, by its key.
func (n NewPeople) Validate() error {
	var errs []error
	if n.Limit < 0 || n.Limit == 0 && n.Per != 0 {
		errs = append(errs, mistake.Of("limit: %d is less than 1: leave new_people out for no limit", n.Limit))
	}
	if n.Per < 0 {
		errs = append(errs, mistake.Of("per: %s is negative", n.Per))
	}
	return errors.Join(errs...)
}

// DefaultPer is the time for which a limit of new people counts, where none is given.
const DefaultPer = time.Hour

// Policy is what the pipeline obeys.
func (s *Spec) Policy() event.RulePolicy {
	p := event.RulePolicy{Owner: s.Owner, DeadLetters: s.OnFailure == DeadLetter}
	if p.NewPeople = s.NewPeople.Limit; p.NewPeople > 0 {
		if p.Per = s.NewPeople.Per; p.Per == 0 {
			p.Per = DefaultPer
		}
	}
	return p
}
