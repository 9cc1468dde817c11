// Package operand compiles and writes what a call has beside its person, its name and its attributes or data: a second
// person, an object, relationships, and single values such as a device's token or the number of a segment.
//
// What rules say of them is plain data (Term, Person, Object, Relationship, Value in term.go). A Compiler makes an
// Operand of each when the rules are loaded, and notes what is wrong with it; which values fit is told by the table of
// operations in package customerio. For a call, package mapping lends its buffers to a Writer, and every Operand
// appends its part to them: members of the call, a segment of the path, lanes to wait in. What does not fit becomes a
// Problem, in words that quote no value, which may be personal data.
//
// The package starts no goroutine and has no lock. An Operand may be used from several goroutines, each with a Writer
// of its own.
//
// Begin reading with Writer in writer.go.
package operand
