// Package kafka keeps dead letters in a topic.
//
// A record of the log is a record of the topic: key, value and headers as they are, with the headers of the letter
// behind those of the original. Put and Resolve send each partition's records in order and wait until all in-sync
// replicas have them. What the topic does not take for its size is divided or truncated and sent again.
//
// Scan reads every partition up to the high watermark that stood when it began. Read fetches a record and keeps what
// came with it, because the records of a replay are mostly read one after the other. Reading tries again for fifteen
// seconds when a broker does not answer; writing does not, because the pipeline does.
//
// Remove writes what stays again at the end of its partition and takes away what stood before. A record that was moved
// carries the offset and the time of the first one, which the package takes off when it reads it: it keeps its place in
// the order. A record that stands at two places, because a purge died, is given once.
//
// The lock of a replay is the consumer group "ciobridge-replay.<topic>": the member that leads the group has it.
// Nothing is read through that group. A holder that was killed is given up by the coordinator after ten seconds.
//
// Put starts one goroutine for each partition that it writes to, and waits for all. A lock that is held has those of
// package broker/lock; releasing it waits for them. The mutex of [Store] protects the records that were read ahead, and
// is not held while a broker is asked.
//
// Begin reading with store.go, and with lock.go for the lock.
package kafka
