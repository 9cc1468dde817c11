// Package persons finds out whether an event concerns a person, by what rules make of it.
//
// An event concerns a person where a call that the rules make of it names that person by any identifier: id, e-mail
// address, phone, cio_id or anonymous id, also as an attribute that sets one. Where the rules cannot make all calls of
// an event, such as one that cannot be read or has no rule any more, the event's own text decides: its key, or a value
// in it, is the identifier. That can be another person's, which a call cannot.
//
// Nothing is kept. The package has no goroutines; a Person is safe for use by several.
//
// Begin reading with person.go.
package persons
