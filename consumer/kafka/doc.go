// Package kafka reads topics of Kafka as a member of a consumer group, and hands their records over under a lease.
//
// What it promises is what package consumer tells of every source: at least once, in the order of each partition, only
// while the group counts on this member, and nothing is committed that is not finished. It reads the whole of a log but
// for records of transactions that failed. Where records are damaged, or retention was faster, the partition halts and
// waits for an operator; all others are read on.
//
// # The way of a record
//
// [Source.Consume] is the owner. It joins the group, runs one generation after another until its context ends, and
// leaves. A generation is the time between two rebalances. It has these goroutines, all of which it waits for:
//
//   - The router (router.go) reads the group's checkpoints, asks which broker leads each partition, and gives each
//     partition to the fetcher of that broker. It looks again now and then, and when a fetcher meets an error.
//   - A fetcher for each broker (fetcher.go). Its plan (fetch_plan.go) says for which partitions to ask, as far as the
//     memory limiter has room. A partition that is new to the generation is started first: its checkpoint is compared
//     with the bounds of its log (bounds.go, start.go). What an answer brings of a partition (answer.go) is a chunk.
//     The fetcher starts the partition's worker with it, or leaves it for the worker that is busy.
//   - A worker for each partition that has a chunk (worker.go). It checks the batches, unpacks them, tracks each record
//     and hands it over, and ends when no chunk is left.
//   - The heartbeat loop (generation.go) keeps the membership, also while the generation drains. Each answer that the
//     group still counts on us renews the lease.
//   - The commit loop (commit.go) commits the committable offset of each partition, with what is acked beyond it. Its
//     answers renew the lease too.
//
// A message that is finished calls its done function, from whatever goroutine: that acks it in the partition's tracker
// and takes one user away from the memory of its chunk.
//
// A generation ends when the owner's context ends, the group rebalances or goes on without us, the coordinator is
// silent for a session, a topic is deleted or grows, or a handler refuses a message. Then reading stops, the lease
// ends, which waits for what is registered with it up to the drain limit, and what was finished by then is committed.
// What this process knows to be acked it keeps for the next generation, and uses it if nobody else has committed in
// between (checkpoint.go).
//
// # Beside the group
//
// [Extents] and [ReadExtent] read a part of the log once (extent.go, extent_reader.go). They use the fetches and the
// batches of this package, and nothing of the group.
//
// # Locks
//
// A lock may be taken while one that stands before it in this list is held, never the other way round. No lock is held
// while a handler runs or while a fetch waits for its broker.
//
//  1. Source.mu: what Ready tells, the missing topics, and what the last generation knew.
//  2. fetcher.mu: which partitions the fetcher serves.
//  3. partition.mu: what the partition is at, its next offset, its chunk that waits.
//  4. One of these, while no further one is taken: generation.mu (the fetchers by address), the memory limiter's mutex,
//     retryLogger.mu, the mutexes of package consumer.
//
// Apart from these, the connection of kafkagroup.Coordinator has a lock, and within it the cluster's: both are held
// during a request, and nothing above is taken meanwhile, nor is one of them taken while anything above is held.
//
// What has no lock belongs to one goroutine: the fields of a fetcher below its partitions to the fetcher, those of a
// worker to the worker, and what was committed last to the commit loop.
//
// Begin to read at Source, then generation.run. Package wire below has the bytes of Fetch and of record batches.
package kafka
