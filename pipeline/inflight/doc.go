// Package inflight holds what the pipeline knows of messages in flight: Message, its Calls, and the Assignment
// under whose lease they came.
//
// A message is in flight from when it was mapped until the source is told that it is finished. Its calls stand in
// the lanes of their persons (package lanes), wait in queues (package batch) and are counted for their rules
// (package breaker); a Call holds what these packages know of it, so that an event costs one object and not four.
// AckOrder says in which order the source is told of messages that share a person.
//
// Nothing here starts a goroutine or has a lock: the pipeline's lock guards it all, but for the fields that say
// otherwise. Begin with Message and Call.
package inflight
