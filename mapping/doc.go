// Package mapping turns messages into calls for Customer.io, as rules say.
//
// It owns the rule files (their form, their mistakes, their tests), the envelopes in which events arrive, which rules
// an event meets, and the identity of every call. It is pure: a message and the rules give the same calls in every
// process and at every time; nothing here reads a clock, a file or the network. What a call looks like on the wire and
// what Customer.io accepts are facts of package customerio; expressions are evaluated by package expr below this one.
// Sending is not its business.
package mapping
