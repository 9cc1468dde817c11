// Package broker connects to Kafka and NATS, and runs the NATS server that can be inside the process.
//
// It owns addresses, TLS and authentication. It does not know what is read or written over a connection. Over TLS the
// server is always verified. Secrets are read anew for each connection, and no error or log line holds one.
//
// [NewKafka] gives a [Kafka], which has two ways to its cluster: the pool of kafka-go, for its Writer and Client, and
// [Kafka.Dial], which opens one connection to one broker for whoever speaks the protocol directly. Every connection is
// checked for a peer that does not speak Kafka (kafka_peer.go). Package kafkagroup below this one keeps a
// membership in a consumer group over such connections.
//
// A broker may set an end to the time for which it believes who we are. Such a session is renewed on its connection,
// below whoever uses that (kafka_session.go). Tokens come from a file, from an endpoint or from package msk.
//
// [NewNATS] gives a [NATS], the connection of the client library, which is opened again whenever it breaks.
// [NATS.Dial] opens one more to the same server, as the same user. [StartEmbedded] starts a server that listens on
// loopback and keeps its streams in a directory, which one process at a time may use; [Embedded.NATS] connects to it.
//
// The libraries start goroutines of their own, which end with Close. This package starts two for an embedded server:
// one runs it, and one starts it again when its store has failed (embedded_watch.go); Close waits for both. The
// counts of a NATS connection, and the state of the embedded server, have a lock each, held for little and with no
// other taken.
//
// Begin reading with kafka.go and kafka_conn.go, or with nats.go and embedded.go.
package broker
