// Package outcomes remembers the last outcomes of a bridge: which calls were accepted or refused and by which request,
// which failures became dead letters, and which messages were skipped, and why.
//
// [Ring] is told by the pipeline, and forgets the oldest outcome for each that is new. It holds nothing of an event: a
// place, names from rules, identities of calls, and the lanes of a call, which are hashes under a key that no process
// shares with another, so that the outcomes of a person whom somebody names can be found. An outcome takes 200
// bytes, which are allocated at the start; to record one allocates nothing. One lock is held while an outcome is
// copied, or a part of them looked at. There are no goroutines.
//
// [Ring.Handler] answers GET /outcomes, which ciobridge explain asks. Begin with Ring.
package outcomes
