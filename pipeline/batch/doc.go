// Package batch decides which calls share a request, and when it leaves.
//
// Queues hold what may be sent. A call comes in with Push when it heads all its lanes. Due says from which queue a
// batch should leave, or how long to wait; Fill takes the batch out of it. A call that comes back open is delayed
// or pushed again. Requests are as full as the traffic allows: a call that was never attempted lingers for company,
// and one sender at a time collects.
//
// A Bisector finds the call for which a batch fails as a whole, by halving the batch. It says how many calls may
// share a request with a suspect, and when a call that fails alone is poison.
//
// Nothing here starts a goroutine, sleeps or has a lock: the pipeline's lock guards it all, and time is given.
// Begin with Queues.Push, Queues.Due and Queues.Fill.
package batch
