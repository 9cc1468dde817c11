// Package bounded is the source of what ends by itself: the lines of a file, or parts of a log.
//
// It reads [Part]s side by side, each in its own order, and hands their messages over under one lease that has no
// deadline. [Source.Consume] returns when all parts are read and all messages are acked; its error says that this is
// not so, whatever ended it. How far each part is finished is known at any time, so that whoever uses it can store that
// and go on from there.
//
// Consume starts a goroutine for each part and one that starts them, and waits for all. Nothing but counters is shared
// between them; the trackers of the parts have their own locks. Begin with Source.Consume.
package bounded
