// Package electedtest makes a Kafka in memory answer like a leader that was just elected, which does not show yet what
// the one before it had stored.
package electedtest
