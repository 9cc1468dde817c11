// Package source says what the program needs of a kind of broker, so that a third one is a folder beside kafka and
// nats, and a field of config.Source that its sections list.
//
// A kind has two parts. Its [Section] is what stands in the configuration under source: it knows what is read,
// whether it makes sense, and how to connect. Its [Broker] is the connection, and makes everything that speaks to the
// broker: the [Reader] that feeds the pipeline, the store of the dead letters, the [Publisher] of the publish
// command, and the reading and setting of offsets. Nobody else asks which kind it is.
//
// Messages do not pass through this package: the pipeline reads from the Reader itself. It starts no goroutine and
// has no lock. Begin with [Section]; package kafka is the shorter of the two kinds.
package source
