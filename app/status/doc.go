// Package status is what a bridge tells of itself to people: the answer of /status, the count of open dead letters, and
// the operator's page that shows both. It promises to tell no value of an event.
//
// The app fills a [Status] when somebody asks, which costs nothing in between. [Counter] is the exception: it reads the
// whole log of dead letters now and then, for at most a hundredth of the time, and knows in between what this bridge
// has stored since. Its Run is one goroutine of the caller's, and a mutex guards the last count.
//
// [Page] serves the status, the operator's page, and letters with their story and the shape of their values. One
// request at a time reads the log for it, for at most 20 s, and the list of the latest letters stands for 10 s.
//
// Begin with the type Status.
package status
