// Package replay sends open dead letters again, through the ordinary pipeline.
//
// A [Replay] is the pipeline's source. It locks the log, so that two replays never run at once, selects the open
// letters that its filter chooses, and groups them by event. For each event it hands over one message, which carries
// the event and its letters as its Ref. The [Mapper] maps that message by today's rules and keeps only what the letters
// ask for (match.go): an event may have ten calls of which one failed, and only that one is sent. [DeadLetters] stores
// what fails again: as a letter where it fails in another way than before, and as a number of attempts where it fails
// in the same way.
//
// When the message is acked, the replay writes down at once what became of its letters, as resolutions. A replay may be
// killed at any time: what was delivered and not written down is sent again by the next one, and nothing else. If its
// lock is lost, it hands over nothing more, because another may have begun.
//
// A dry run maps the same letters without a lock and without sending anything.
//
// # Goroutines and locks
//
// [Replay.Consume] runs in the caller's goroutine, which writes the resolutions, and starts one more, which reads
// letters and hands over messages; it waits for it before it returns. Acks come from the goroutines of the pipeline.
// The mutex of Replay protects what is counted and what is still to be written, and that of an event what has become of
// its letters. The first is taken before the second. Neither is held while the store, the rules or the pipeline is
// called, but for the names of rules.
//
// Begin reading with replay.go, then run.go, event.go and match.go.
package replay
