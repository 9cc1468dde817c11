// Package broker connects to Kafka and NATS.
//
// It owns addresses, TLS, authentication and the NATS server that can run inside the process. It does not know what is
// read or written over a connection.
package broker
