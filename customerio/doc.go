// Package customerio holds the facts of Customer.io that the bridge needs: its hosts by region, its credentials, the
// operations and how each is written, its limits, one HTTP exchange with it, and what an answer means.
//
// It owns no policy: when to send, how fast, when to try again and what becomes of a refused call are decided
// elsewhere. Texts that Customer.io sends are never kept, because they may quote personal data.
//
// # Operations
//
// operation.go has a table with a row for each action that rules can ask for: its name in rules and on the wire, its
// fields with their kinds and limits (field.go), the identifiers that may name the person, whether it carries the
// event's time, whether Customer.io ignores a repeat, whether it is destructive, and which endpoints take it. Reading
// rules, writing calls, checking limits, running the tests of rules and the documents all go by it. The emulator has a
// table of its own, written from Customer.io's documentation, so that the two can disagree.
//
// The parts of a call are written by item.go (an item of a v2 batch), batch.go (what is around the items) and single.go
// (an event alone over v1). person.go and reserved.go say which texts can name a person, attribute.go which attributes
// have a meaning; limits.go has the sizes.
//
// # Exchanges
//
// endpoint.go has the classes of endpoints: to which API each belongs, where that is in each region, and how often it
// may be asked. credentials.go has what opens each API.
//
// A Client makes one exchange at a time for each caller: Client.Do sends a Request and gives an Answer. Of the body
// only an ErrorBody is kept, unless the request asks for more (errorbody.go): which calls are refused, and why in our
// own words. VerdictOf is the one place that decides what an answer means for the calls of its request (verdict.go);
// Cause says in one word what is wrong with the destination (cause.go). Client.Verify and VerifyApp ask once whether
// credentials and region are right.
//
// # Goroutines and locks
//
// The package starts no goroutine of its own; net/http does. There are two locks, and neither is held while the other
// is taken: that of the credentials, which are read again when a file changes or Customer.io refuses them
// (credentials.go), and that of a request's body, which is taken back when the exchange is over, because a transport
// may still be reading it then and the bytes belong to the next request (request.go).
//
// Begin reading with operation.go for what is sent, and with Client.Do in client.go for how.
package customerio
