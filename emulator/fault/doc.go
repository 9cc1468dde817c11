// Package fault says how the emulator misbehaves, and when.
//
// A Fault has conditions and one effect. Parse reads the form that command lines use, and a Fault can be read from
// JSON and written as such. Validate finds what is wrong with one. Whether a request meets a fault, and what happens
// then, is in package emulator.
//
// Begin reading with Fault in fault.go.
package fault
