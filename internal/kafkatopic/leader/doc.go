// Package leader finds the broker to which requests go that only the leader of a partition answers, for the messages
// that kafka-go does not have. It has no goroutine and no state.
package leader
