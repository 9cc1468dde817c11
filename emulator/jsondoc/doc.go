// Package jsondoc reads what is sent to the emulator: JSON whose values keep the bytes that they were sent as.
//
// Document.Read goes over a text once and makes a node of each value, numbered in the order in which they begin. A
// text that is not JSON is refused with the byte at which it stops being so, as Customer.io's answers do. What
// ordinary parsers let pass, a key that comes twice and a lone surrogate, is a Flaw with its place: it spoils the
// item of a batch around it and not the whole request. Values are decoded when they are asked for. The package shares
// no code with the bridge, so that the two can disagree about what JSON is.
//
// A Document belongs to one goroutine at a time. There are no locks.
//
// Begin reading with Document in document.go.
package jsondoc
