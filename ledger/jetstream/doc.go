// Package jetstream keeps the send ledger in a key-value bucket of JetStream.
//
// The key of a call is its ID, and the value its record. A first record is created, and any other replaces the revision
// that it follows, so that of several processes that write at once the server lets one: nothing else decides, and a
// write that arrives late changes nothing. The bucket forgets records by itself, and nothing is held in memory.
//
// The package starts no goroutine. The mutex of a [Store] guards the opened bucket, also while it is opened. Begin
// reading with store.go.
package jetstream
