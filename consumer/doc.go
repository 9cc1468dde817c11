// Package consumer holds what every source of messages shares. The sources are in the packages below it, consumer/kafka
// and consumer/jetstream; a further one is one more package.
//
// A source reads partitions, and promises three things whatever the broker is.
//
// It hands messages over only under a [Lease], which says until when this process has the right to read the partition
// and to send what was read. The lease moves forward with every answer of the broker that proves the right, and is lost
// for good when no proof has come for a session.
//
// It commits only what is finished. A message is finished when its done function is called; nobody else tells the
// source what became of it. The [Tracker] of the partition knows the messages in flight and the committable offset, and
// what is acked beyond that offset is stored beside it as [AckedRanges]. So the next reader leaves out what was
// finished, and everything else comes again.
//
// It loses nothing silently. Where the broker has discarded what was not read, [GapPolicy] says whether the source
// stops or counts the loss and goes on. [StartAt] says where a partition begins for which nothing is committed, and
// operators see and set offsets as [OffsetInfo] and [OffsetChange].
//
// An [Extent] is a part of a partition that is read once, beside all that: without a lease, and nothing is committed.
//
// A [Buffer] is the memory that messages point into: it goes back to a pool when the last of its messages is acked.
//
// Nothing here starts a goroutine of its own, but what is registered with a lease runs when the lease ends. Lease,
// Tracker, and the pools of buffers and rings have a mutex each, which is held while no other is taken, except that a
// Tracker puts its ring back to its pool.
//
// internal/consumertest holds a source to these promises. Begin to read at Tracker and Lease.
package consumer
