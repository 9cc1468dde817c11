// Package requests does what rules say of the attempts and the answers of requests of their own.
//
// A Sender stands around the sender that makes the attempts. It looks at calls whose request is Raw alone, and all
// others go by. Of an attempt that failed it says when the next one may be, or that there is none any more, as the rule
// has it. Where a rule names a topic or subject for the answer, it publishes that with the call's identity before the
// call counts as settled: at least once, and until the broker has stored it. A call whose answer could not be published
// before the bridge had to stop stays open, and may have been sent.
//
// Attempts are counted in memory, so that a restart begins anew. The package starts no goroutine; one mutex guards the
// counts, and nothing is called while it is held.
//
// Begin reading with Sender in sender.go.
package requests
