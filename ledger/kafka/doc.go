// Package kafka keeps the send ledger in the first partition of a Kafka topic.
//
// Kafka has no write that depends on what stands there, so the order of the partition decides: Put appends a record,
// which all in-sync replicas must have, reads the partition up to it, and asks package ledger's Table which of the
// records that follow the same one came first. Every process that uses the topic reads the same order and comes to the
// same answer, whoever owned a partition of the source meanwhile and however late a write arrives.
//
// Compaction keeps the last record of a key, which need not be the one that counts. So each record has a key of its
// own: the call's ID, its version and its owner. Only the record that says that a call was sent has the ID alone as its
// key, because nothing follows that one; with it goes the removal of the intent, so that compaction leaves one record
// of a call. What else is left is removed by the topic's retention. One partition is enough: a record is a hundred
// bytes, and an order over several would end when their number changes.
//
// The package starts no goroutine of its own. The mutex of a [Store] is held while the partition is read, so that one
// caller reads for all that wait. Begin reading with store.go, then read.go.
package kafka
