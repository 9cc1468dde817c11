// Package lead makes the lock of a broker the right to run the reports of a store.
//
// A write that its caller has given up on may still be stored until report.Settle has passed. So whoever takes the
// right from another waits for that time before it reads what is stored, and whoever had a write that failed waits for
// it before it gives the right up.
//
// It starts no goroutine beside those of package broker/lock, which end with the release. A [Lead] is used by one
// goroutine. Begin with Take.
package lead
