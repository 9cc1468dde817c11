// Package extents reads a part of a stream once, beside those who read it, and says where the messages of a time
// stand.
//
// What it makes on the server is an ephemeral consumer for as long as it reads, which nobody acks: neither the durable
// consumer of the bridge nor its checkpoint change. Messages come in the order of their sequences, each once. Where
// the consumer or the connection is lost a new one is made behind the last message. What the stream has discarded
// before it was read is an error, and never left out without a word.
//
// The package starts no goroutine and has no lock. Begin with [Find] and [Read].
package extents
