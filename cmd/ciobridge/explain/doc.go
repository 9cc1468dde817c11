// Package explain is the command that tells what happened to an event. It finds the event by where it stood, by a
// person, or by the identity of the event or of a call, and puts together what is known of it ([story]): the record at
// the broker, what today's rules make of it and why not more, how far the source was read, and its dead letters.
//
// It reads beside a bridge that may run, commits nothing and sends nothing. There are no goroutines but that of the
// progress. Begin with New in command.go.
package explain
