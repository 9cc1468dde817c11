// Package consumer reads Kafka and JetStream and hands over messages under a lease.
//
// It owns what is in hand, how far the broker may be told that messages are done, and how long the right to read lasts. It does
// not know what becomes of a message: a message is finished when its done function is called, and comes again when it never is.
package consumer
