// Package kafka keeps erasure fences in a compacted topic of Kafka, under the digest of an identifier.
//
// All stand in the first partition, so that they have one order. Write waits for all replicas that are in sync. Read
// goes on where it ended, to the end that stood when it began. A topic that does not compact, or that also forgets by
// time, is refused.
//
// The package starts no goroutine. A [Log] is used by one reader at a time, and by any number of writers.
package kafka
