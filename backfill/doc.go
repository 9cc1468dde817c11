// Package backfill sends what the broker has kept from some time through the ordinary pipeline again: the history of a
// new rule, or of a mended one.
//
// A [Backfill] is the pipeline's source, and gives the pipeline its mapper. It reads beside those who read the source
// live: it joins no group of theirs, and its own notes say how far it is, so that it goes on after it was killed. Calls
// have the identities of live ones, and identify carries the event's time, so that Customer.io ignores what is older
// than what it has. What cannot be taken back, and what would be sent to people or counts twice, is left out unless it
// is asked for. Live traffic comes first: while those who read the source are behind, a backfill waits.
//
// Consume starts one goroutine that looks at them, and package consumer/bounded has those that read; it waits for all.
// One mutex guards what is counted, and none is held while something is asked or handed over. Begin with Backfill.
package backfill
