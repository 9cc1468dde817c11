// Package event holds the nouns that the stages of the bridge pass to each other: the message that was read, the
// calls that it became, the outcome of each call, and the failed message that is kept for a call that cannot be
// delivered.
//
// A source makes a Message and gives it, with its Lease, to a Handler. Mapping makes Calls of it, each with an ID
// that is the same whenever the same event is mapped by the same rule, and with the Lanes in which the call has to
// keep its place. Delivery gives each Call an Outcome. Its zero value is Open, which means that the call is attempted
// again, so that forgetting to fill one can cause a repeat and never a loss. A call that is refused for good ends in
// a FailedMessage.
//
// The package names and prints these values and does nothing else. It starts no goroutine and has no locks. Beside
// the standard library it uses oklog/ulid alone, for the text of an ID.
//
// Begin reading with Message in message.go, then Call in call.go and Outcome in outcome.go.
package event
