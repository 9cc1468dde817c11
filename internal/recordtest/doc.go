// Package recordtest writes record batches of Kafka for tests, as producers do.
package recordtest
