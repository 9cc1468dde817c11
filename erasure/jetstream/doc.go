// Package jetstream keeps erasure fences in a key-value bucket of JetStream, under the digest of an identifier.
//
// Read asks the bucket's stream how far it goes, and watches it from where the last reading ended. Write puts one value
// after the other; the server acknowledges each. A bucket that forgets is refused.
//
// The package starts no goroutine of its own; the client's watcher is stopped before Read returns. A [Log] is used by
// one reader at a time, and by any number of writers.
package jetstream
