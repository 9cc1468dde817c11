// Package actiontest reads the examples of actions in docs/actions.md, for the tests that run them: as rules, against
// the documents of Customer.io's API, and at the emulator.
//
// Begin reading with Read in example.go.
package actiontest
