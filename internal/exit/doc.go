// Package exit has the exit codes of the program, and the errors that decide them.
//
// Whoever knows whose fault an error is marks it with [With], where the error is made; the code travels with it
// through any wrapping. Only the command line asks for it, with [Code]. An error without a mark is a [Failure].
package exit
