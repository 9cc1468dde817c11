// Package live holds the rules that a bridge maps by, and exchanges them while messages flow.
//
// Each message is mapped by one set of rules, whole: [Rules.Map] looks once which are the current ones. Those that come
// after others count on from where they stand, so that no count of a rule goes back while both have it. Calls that are
// settled may be brought back whatever rules made them.
//
// The package starts no goroutine and has no lock; who exchanges rules does so from one goroutine at a time. Begin
// reading with [Rules].
package live
