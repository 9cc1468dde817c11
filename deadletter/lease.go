package deadletter

import "github.com/ciobridge/ciobridge/internal/lease"

// newLease is the right to replay, for as long as the hold on the log lasts.
func newLease(hold *Hold) *lease.Lease { return lease.New(hold.Until) }
