// Package memory bounds the bytes of the messages in flight, so that the process stays small whatever the backlog,
// the number of partitions or the length of an outage.
//
// There is one Limiter in a bridge. The pipeline reserves with it what it maps, and a source of Kafka what it fetches
// ahead; both wait while there is no room, and that is the backpressure. Both release when messages are acked. A
// source of JetStream counts what it fetches ahead by itself, for each connection. See Limiter for who has to wait, and
// why nobody waits for ever, and Fetching for the source's part. Nothing here starts a goroutine.
package memory
