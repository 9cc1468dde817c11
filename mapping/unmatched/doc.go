// Package unmatched counts the types of events that no rule names, so that an operator sees what passes by. The types
// come from the events: each is kept up to a length, and only so many of them.
//
// It starts no goroutine. Types are kept in several tables, each behind a lock that is held for one look-up and never
// together with another.
package unmatched
