// Package deadletter is the log of what could not be delivered: what is written to it, and what reading it tells.
//
// The pipeline hands over an [event.FailedMessage]: one message, and every failure that belongs to it. [Encode] makes
// one [Record] of it, which is the original record whole with a fixed set of headers that tell the story of its
// failures. [Decode] turns a record back into letters. A [Letter] is one failure, in the log: it is listed, replayed
// and resolved by itself, under the identity of the call that failed, and shares the memory of the record with the
// letters beside it. So one message of which five calls fail is one failed message, one record and five letters.
//
// Nothing in the log is ever changed. A [Resolution] is a second kind of record, which names letters of one event and
// says what became of them: delivered by a replay, replaced by other letters, or discarded by an operator. A letter is
// open until a resolution behind it says otherwise, or until it is written again. Which letters are open is therefore a
// function of the log alone, and a bridge that is killed at any moment leaves nothing to repair.
//
// # Writing
//
// A store is a place that keeps records: package deadletter/kafka has them in a topic, deadletter/jetstream on a
// subject of a stream, and deadletter/file in a local file. Each has one constructor New, which takes a [Config]. A
// store calls [Encode] or [EncodeResolution], and [Fit] where a record is larger than it takes: failures are divided
// among records, and at last the message is truncated and flagged. [Health] remembers whether its last attempt worked.
// What went wrong is told by the errors of this package, such as [ErrMissing] and [ErrFull], and never by text.
//
// # Reading
//
// Whoever asks a question scans the log once, from its start to the end that stood then, and builds an index: one small
// entry for each letter, which is the newest record about it. [List] and [Select] choose among the open entries by a
// [Filter] and read only the letters that were chosen, in the order of a replay. [Discard] does the same and writes
// resolutions. [Stats] counts the entries. [Show] gives all that the log says of one letter. [Masked] is how a value is
// shown to people: its shape, and none of its content.
//
// The log is open to other writers, so nothing in it is believed unchecked. Headers are read strictly; a record whose
// content does not match the event that it claims to be of is [ErrForeign], and foreign or damaged records are counted
// and passed by.
//
// # Goroutines and locks
//
// Nothing here starts a goroutine; the lock of a replay has one, as package broker/lock says. The mutex of [Health]
// protects its fields for a moment and is never held while something is called. Everything else has no state, or
// belongs to its caller.
//
// # What is elsewhere
//
// The package does not decide that a call has failed, and does not try a write again: the pipeline does both. Sending
// letters again is the business of package deadletter/replay.
//
// Begin reading with record.go, letter.go and resolution.go; then encode.go for writing, and index.go for reading.
package deadletter
