// Package kafka is the kind of broker that a kafka section configures: topics that a consumer group divides among
// replicas, with the dead letters in a topic of the same cluster or in a file.
//
// [Section] is the configuration; its Connect gives the rest. All of it is made of package broker's connection, package
// consumer's source and package deadletter's store.
package kafka
