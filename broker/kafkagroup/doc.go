// Package kafkagroup keeps a membership in a Kafka consumer group, for whoever reads topics as one of several replicas
// and for whoever holds a lock by leading a group of one.
//
// A [Member] joins with [Member.Join], which makes two requests: the answer to JoinGroup says which generation has
// begun and who leads it, and the answer to SyncGroup brings what the leader has assigned to this member. If the member
// leads, its assign function makes the assignments of all. [Member.Heartbeat] proves from then on that the coordinator
// counts on the member; [Member.Leave] ends it. Subscriptions and assignments are written in the format of Kafka's own
// clients.
//
// Requests go over a [Coordinator], which finds the group's broker and connects when it is needed. A member may have
// one of them or two: JoinGroup is answered only when all members have joined or are given up on, and heartbeats that
// shall go on meanwhile need a second.
//
// The package starts no goroutine. A Coordinator has a mutex, held during a request; a Member has one for its id and
// generation, held during no request and while no other is taken. Begin to read at Member.
package kafkagroup
