// Package jetstream stores the events of webhooks in a stream of JetStream.
//
// Publish waits for the acknowledgement of the server, which drops a repeat within the duplicate window of the stream
// by itself. The subject of an event ends with its object and metric. Read has an ordered consumer that gives headers
// alone, and begins so many messages before the end of the stream.
//
// The package starts no goroutine. Read is used by one.
package jetstream
