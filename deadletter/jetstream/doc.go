// Package jetstream keeps dead letters on one subject of a JetStream stream.
//
// A record of the log is a message. NATS has no keys, no null values, and headers that it obeys or cannot carry: those
// travel in headers of the bridge's own, and come back as they were (message.go). Put and Resolve publish up to sixteen
// messages at once and wait for the acknowledgement of each. A letter carries its identity and attempts as Nats-Msg-Id,
// so that the server drops the second of two equal ones. What the stream does not take for its size is divided or
// truncated and published again.
//
// Scan uses an ordered consumer, which it removes when it is done, up to the last message that stood when it began.
// Read asks for one message by its sequence.
//
// The lock of a replay is a key in the key-value bucket "ciobridge_replay", which lives for ten seconds unless its
// holder renews it. Whoever finds it taken watches whether it is renewed: if so its holder lives and nobody waits, and
// if not it ends soon.
//
// The goroutines of Put end before it returns. A lock that is held has the goroutine of lock.Keep, which is
// the only one to use its key. The package has no mutex.
//
// Begin reading with store.go, and with lock.go for the lock.
package jetstream
