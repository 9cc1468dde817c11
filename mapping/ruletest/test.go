package ruletest

import (
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
)

// Test is one example of a rule file: a message, and what the rules must make of it.
type Test struct {
	Name   string
	Given  Given
	Want   []Want // calls and dead letters, each in order; empty means that the event is skipped
	Exact  bool   // calls have nothing beside what is wanted
	Golden string // in place of Want: a file that holds it, relative to the rule file
	Mask   []string

	Pos mapping.Position `json:"-"`
}

// Given is the message of a test.
type Given struct {
	Event   string // the record's value; JSON made of the YAML that stands there, or a string as it is
	NoValue bool   // event: null, a record without a value
	File    string // a file that holds the value instead, relative to the rule file
	Topic   string
	Subject string // of a message of JetStream
	Key     string
	Headers []mapping.Field // values are literals
	Time    string          // the broker's time for the record, as times of events are read
}

// Want is one result: a call, of which only what is written is compared, or a dead letter.
type Want struct {
	Action     string // of a call
	Call       string // the parts of the call that are compared, as a JSON object
	DeadLetter event.Reason

	// What is compared beside that where it is not empty.
	Rule string // whose result it is
	Name string // of the call in its rule
	ID   string // of the call
	Part string // of a dead letter: the field in the rule
}
