// Package lanes keeps the calls of each person in order.
//
// Every identifier that an open call names has a lane: a queue of all open calls that name it, in the order in
// which their messages were taken up. A call may leave when it heads all its lanes. It stays in them until it is
// settled, so that nothing passes it while it is in a request or waits to be tried again. A lane exists only while
// something stands in it.
//
// Calls at the front of a lane that do not change the person's state, such as events, need not wait for each other:
// they form a run, which may share one request. A lane counts its run, so that it is known without a walk how much
// of a request it fills.
//
// A call takes part with a Node, which it contains. Table does the work. Nothing here starts a goroutine or has a
// lock: the pipeline's lock guards it all. Begin with Table.Join and Table.Leave.
package lanes
