// Package kafka reads topics of Kafka as a member of a consumer group, and hands their records over under a lease.
package kafka
