// Package retry is the one loop for "try, say once that it fails, wait with growing pauses, until it works".
//
// [Do] is that loop. It ends when a try works, when a failure is final, when [Policy.Limit] is reached, or when the
// context ends; its error is then that of the last try, so that what was wrong is not hidden behind "context
// canceled". A failure is final if it is marked with [Permanent], or if [Policy.Passing] says that it does not pass
// by itself. [Policy.Failing] is told of the first failure that is tried again, and [Policy.Working] of the success
// after failures: those are the two places for a log line, and no try in between has one.
//
// [Streak] is what Do is made of: the failures in a row and the pause after each. It is for loops whose work changes
// between the tries, or which wait for something else beside the pause.
//
// The pauses come from cenkalti/backoff: they grow from [Policy.First] to [Policy.Longest], and each is varied by up
// to a half of itself, so that many clients of one server do not come back at the same moment.
//
// Nothing here starts a goroutine or holds a lock. Time is that of package time, so that tests run in virtual time.
// Begin reading with [Policy].
package retry
