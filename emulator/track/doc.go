// Package track reads requests of Customer.io's Track API, v1 and v2, as the documentation describes them.
//
// It is stricter than the real service: what Customer.io takes with a 200 and ignores for being wrong (a timestamp in
// milliseconds, a field that does not exist, an event id that is not a ULID) is refused by name.
//
// A request is an exchange whose path finds one of the routes; that reads the body into calls and words the answer.
// item.go and operations.go hold the rules for each operation of Track v2, track1.go and its neighbours those of v1.
// There are no goroutines, no locks and no state.
//
// Begin reading with Read.
package track
