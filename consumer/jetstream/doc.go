// Package jetstream reads streams of NATS JetStream and delivers their messages under a lease.
//
// # What it promises
//
// A stream is read as a log. Its messages are delivered in the order of their sequences, and each is delivered until
// it is acked. One replica reads a stream at a time, or a partition of it. After a crash, or when another replica
// takes over, reading goes on from the checkpoint: what was acked and committed is left out, and what was in flight
// comes first, in order. Messages that the server has discarded before they were read are never skipped without a
// word: reading stops there, or the loss is counted, as the configuration says. What becomes of a message is not this
// package's business.
//
// # Streams, partitions, consumers
//
// A [Source] reads the streams of a [Config]. A stream is read whole, or divided into partitions by subject. For each
// partition, or whole stream, there is a reader, and on the server a durable consumer, which the reader makes. If
// streams have partitions, the replicas form a group. Each shows its presence on the server, and all of them divide
// the partitions in the same way.
//
// # Pins
//
// The right to read is the pin that the server gives to one client of the consumer, together with a message. A reader
// without it is on standby: it asks for a message, and has the pin when one comes. A reader that has the pin proves
// it several times per session timeout, and each proof extends the lease under which messages are delivered. A reader
// that can no longer prove its pin sends nothing more, because another replica may have it.
//
// # Sessions
//
// The time from getting the pin until giving it up is a session. At its beginning the consumer is reset, so that the
// server delivers again from the checkpoint on. From then on each delivery must follow the one before. A delivery
// that does not ends the session, as does a broken connection; the next session begins with a reset again. When a
// session ends, what is in flight may finish until the drain limit, and is committed.
//
// # Checkpoints
//
// The server's own ack floor is not enough: a purge moves it along, and it says nothing of what is acked above it. So
// each commit first stores a checkpoint in a key-value bucket, and then acks on the server. A checkpoint is written
// over the revision before it, so that a reader that was replaced cannot write any more. What a process has acked
// after its last commit is remembered as progress of the reader, and counts if nobody else has read since.
//
// # How a message goes through
//
//	inbox.readLoop reads the connection into a chunk       inbox.go, frame.go, chunk.go
//	deliverLoop receives frames and asks for more          delivery.go, pull.go
//	handleDelivery checks the order, and parses            delivery.go, reply.go
//	deliver tracks the message and calls the handler       delivery.go
//	the handler's done acks it in tracker and chunk        package consumer
//	commit stores the checkpoint and acks on the server    commit.go, checkpoint.go
//
// # Goroutines and locks
//
// Source.Consume runs one goroutine for each reader, and one for the group. A session runs four more: deliverLoop,
// keepPin, commitEvery and the inbox's readLoop. Whoever starts a goroutine waits for it, except for a handler that
// does not return within the drain limit. The type session says which goroutine owns what, and in which order the
// locks are taken. Between sessions a reader is one goroutine.
//
// # Where to begin reading
//
// Begin with runSession in reader.go, the whole life of a reader in thirty lines. Then read acquirePin in standby.go,
// the type session and its run in session.go, deliverLoop in delivery.go, and commit in commit.go. How far was read
// is decided in progress.go. Offsets and SetOffsets, for operators, use a reader without a session.
package jetstream
