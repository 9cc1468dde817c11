// Package jetstream publishes reports to a stream of JetStream, and keeps what is known of them in a key-value bucket.
//
// A [Target] publishes the events of a group one behind the other, under its subject and the type of their report, and
// then waits for all acknowledgements. Their ids are message ids too, so that the server drops a repeat within the
// duplicate window of the stream. Its position is the last sequence of the stream, with the time at which the stream
// was made; Published has an ordered consumer that gives headers alone.
//
// A [Store] has a key for each of its own, whose characters are encoded where the bucket does not take them. Its lead
// is one more key, as package broker/lock has it. How far the bucket goes is asked of the leader of its stream, because
// a replica that lags may answer what is read.
//
// The package starts no goroutine but those of package broker/lock. A Target and a Store are used by one goroutine
// each. Begin reading with target.go and store.go.
package jetstream
