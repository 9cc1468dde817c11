// Package lock gives a right that one process has at a time, such as the right to replay dead letters or to run
// reports, by means of a broker.
//
// With Kafka the leader of a consumer group has it ([Group]); nothing is read through that group. With JetStream it is
// the holder of a key in a key-value bucket, which writes it again and again ([Key]). A holder that dies keeps the
// right for one session more. A [Wish] says what is done while another has it: to give up once that one has shown that
// it lives, or to stand by.
//
// [Keep] starts one goroutine, which renews a [Lock] until it is released or lost, and a group one more while it joins
// again; Release waits for both. [Lock.Context] starts one that ends with the context. The mutex of a Lock guards its
// time, that of a member the time at which the group was last known to be stable; neither is held while a broker is
// asked. Requests of a member wait for each other on its two connections to the coordinator, as package
// broker/kafkagroup says.
//
// Begin reading with lock.go, then group.go or key.go.
package lock
