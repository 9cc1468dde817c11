package deadletter

import "github.com/ciobridge/ciobridge/internal/lease"

// newLease is the right to replay, for as long as the lock on the log is held.
func newLease(lock *Lock) *lease.Lease { return lease.New(lock.Until) }
