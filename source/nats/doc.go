// Package nats is the two kinds of broker that have JetStream's streams: [Section] is a NATS server or cluster, and
// [Embedded] is a server inside the process, which keeps what the source reads. Dead letters go to another stream of
// the same server, or to a file.
//
// Both give a [Broker] when they connect; they differ in who runs the server and in what is read of a stream. All of
// it is made of package broker's connection, package consumer's source and package deadletter's store.
package nats
