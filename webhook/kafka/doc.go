// Package kafka stores the events of webhooks in a topic of Kafka.
//
// Publish hands an event to a group (group.go), which has one request under way and sends what came meanwhile with the
// next. The key is the person, so that one person's events stay in one partition. Read fetches each partition from
// where the last reading ended, and at first from so many records before its end; of a record it looks at the header
// with the id alone.
//
// The goroutines of the group and of the writer behind it end with Close. Read is used by one goroutine. Begin reading
// with bus.go.
package kafka
