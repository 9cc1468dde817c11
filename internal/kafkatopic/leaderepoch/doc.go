// Package leaderepoch has the messages of Kafka's OffsetForLeaderEpoch, which kafka-go does not have: up to where the
// leader of a partition has records of an epoch, also those that its replicas lack. It registers them with kafka-go
// when it is imported. There is nothing else in it, no goroutine and no state.
package leaderepoch
