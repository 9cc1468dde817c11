// Package ruletest runs the tests that stand in rule files: a message is given, and the calls and dead letters that the
// rules make of it are compared with those that are wanted.
//
// A test speaks the language of rules. Of a call only what is written is compared, under the names that rules use; of a
// dead letter only the reason. A test may name a file that holds its event: it is read below the folder of the rule
// file and nowhere else, because rule files come from many hands.
//
// Run in run.go is the way in; compare.go words the differences.
package ruletest
