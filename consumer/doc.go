// Package consumer holds what every source of messages shares: the right to read and to send what was read ([Lease]),
// the offsets in flight and the committable one ([Tracker]), what is acked beyond it ([AckedRanges]), and the words in
// which offsets are told and set.
//
// The sources are in the packages below it: consumer/kafka and consumer/jetstream. A source does not know what becomes
// of a message: a message is finished when its done function is called, and comes again when it never is.
package consumer
