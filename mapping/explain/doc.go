// Package explain words why an event became nothing, for the people who write rules: which type of a rule is near to
// that of an event, and what a condition has looked at. It knows texts of rules only; what the places hold is the
// caller's to find out. Nothing here runs while events flow.
//
// There are no goroutines and no locks.
package explain
