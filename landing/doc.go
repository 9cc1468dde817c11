// Package landing finds out whether calls that Customer.io has taken did anything. Customer.io answers 200 to some
// calls that it then ignores: an update that is older than the person's latest, an identifier that belongs to somebody
// else, a cio_id that nobody has, an _update of nobody. Its activity log alone tells.
//
// A [Probe] reads that log through App at intervals, for the few types that say so, and turns what is new into metrics
// and a line for each type. Failures of objects and their relationships have types with the number of the type of the
// objects, which it asks for first, of twenty types at most. It is a sample: of one type it reads 300 entries at
// most each time, so that it takes six requests and two for each type of objects in a quiet workspace, and three times
// as many in the worst, one in a second. It keeps ids and times of entries, and nothing of a person.
//
// Run is one goroutine, which the caller starts and waits for. Begin reading with probe.go.
package landing
