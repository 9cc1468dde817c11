// Package rawcall compiles and writes the action request: a request of a rule's own, for what no other action does.
//
// What a rule says is a Spec, plain data. Compile makes a Call of it when the rules are loaded, and notes every mistake
// with its place: an unknown API or method, a path that leads elsewhere, a header that may not be given. For an event,
// Call.Write fills the places of the path, the query, the headers and the body. Where the request may go is kept by
// package customerio/rawrequest, whatever the values are: a value that would change that is a Problem, in words that do
// not quote it.
//
// The package starts no goroutine and has no lock. A Call may be used from several goroutines, each with a Writer of
// its own.
//
// Begin reading with Spec in spec.go, then Call.Write in write.go.
package rawcall
