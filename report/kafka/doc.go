// Package kafka publishes reports to a topic of Kafka, and keeps what is known of them in a compacted one.
//
// A [Target] writes the records of a group to all their partitions at once, those of a partition in their order, and
// waits until all replicas that are in sync have them. The key is what the event is about. Its position is the end of
// every partition; Published reads from there on, and looks at the headers alone. It waits for what the leader has and
// its replicas lack, because that will be shown, although the one who wrote it was told of a failure.
//
// A [Store] has its records in the first partition of its topic, in which the last record of a key counts. Load reads
// all of it. Its lead is that of the consumer group "ciobridge-reports.<topic>", through which nothing is read.
//
// Publish starts one goroutine for each partition, and waits for all. What keeps the lead has the goroutines of package
// broker/lock. A Target and a Store are used by one goroutine each. Begin reading with target.go and store.go.
package kafka
