// Package mapping turns messages into calls for Customer.io, as rules say.
//
// It is pure: a message and the rules give the same calls in every process and at every time. Nothing here reads a
// clock, a file or the network. Rules as people write them are read by package rulefile, and the tests beside them are
// run by package ruletest; expressions are evaluated by package expr; what a call looks like on the wire and what
// Customer.io accepts are facts of package customerio. Sending is not its business.
//
// # How a message goes through
//
// Compile turns a Config, which is plain data, into Rules: every expression is compiled, every literal checked, and
// what calls of one action have in common is written in advance. Rules.Map then takes these steps for a message:
//
//   - The envelope of its topic is read (envelope.go, and cloudevents.go with package cloudevent): the
//     document that expressions see, and the event's type, time and identity. Those of other systems are built in
//     (builtin.go), and what Kafka Connect and Debezium write is read by packages of its own. A record that holds no
//     event ends here (tombstone.go).
//   - The rules that name the type are looked up, and each is applied by itself (apply.go): its condition, the time and
//     identity that it gives the event, what it requires, and its actions, with one call or one for each item of a
//     list.
//   - Each call is written into one buffer (write.go): the person, the name, the identity, the time, the attributes
//     (field.go) or data; and with it the lanes in which it has to wait. A call that has more, such as an object or
//     relationships, or that is a request of its own, is written part by part (part.go); package operand writes what is
//     neither attributes nor data. What is too large for a batch becomes a request of its own where Customer.io has one
//     for it.
//   - A value that does not fit is left out or cut, as on_invalid says, and noted; a rule counts its own (counts.go).
//     Types that no rule names are counted by package unmatched, and package explain words for Rules.Explain why an
//     event became nothing.
//   - What cannot be written becomes an event.Failure (problem.go). It takes nothing else with it: every rule and every
//     call of a rule stands for itself, each item of a list too. Only an action whose list cannot be read to its end,
//     or leads to too much, makes no call at all and one failure.
//
// # Promises
//
// The identity of a call (identity.go) is a ULID: the event's time, and a digest of the event's identity, the names of
// rule and call, the rule's id_scope and, in a list, the number of the item. It is the same whenever the same event is
// mapped by the same rule, which lets Customer.io ignore a repeat. Of a rule only those names, id_scope, id and time
// may change it; CompareIdentities tells whose identity a change of rules changes.
//
// One message may become 10,000 calls and 8 MiB. Failures name kinds of values and places in rules, and never quote a
// value, which may be personal data.
//
// # Goroutines and locks
//
// The package starts no goroutine. Rules may be used from several: each call of Map takes a state of its own from a
// sync.Pool. The only lock is that of the pool of buffers (pool.go), which is held for a few moves of a slice and never
// together with another. What rules count is spread over several cache lines and added up when it is asked for
// (counts.go).
//
// Begin reading with Rules.Map in map.go, then state.go, apply.go and write.go; compile.go and compile_action.go make
// what these use.
package mapping
