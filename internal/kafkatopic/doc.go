// Package kafkatopic asks a Kafka cluster what those need who keep records of their own in a topic, such as dead
// letters, the send ledger and the erasure fences: one fetch, one produce, the offsets, and what the topic is and how
// it is set.
//
// Each function but Await is one request through kafka-go's client, bounded by its context. What a record means, when
// to try again and what an error means is the caller's. The package starts no goroutine and holds no state. Begin with
// Fetch.
package kafkatopic
