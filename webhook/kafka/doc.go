// Package kafka stores the events of webhooks in a topic of Kafka.
//
// Publish gives an event to one writer, which gathers those that come within a few milliseconds. The key is the
// person, so that one person's events stay in one partition. Read fetches each partition from where the last reading
// ended, and at first from so many records before its end; of a record it looks at the header with the id alone.
//
// The writer's goroutines end with Close. Read is used by one goroutine.
package kafka
