// Package deleterecords has the messages of Kafka's DeleteRecords, which kafka-go does not have: the records of a
// partition that stand before an offset are taken away for good. It registers them with kafka-go when it is imported.
// There is nothing else in it, no goroutine and no state.
package deleterecords
