// Package ruletest runs the tests that stand in rule files: a message is given, and the calls and dead letters that the
// rules make of it are compared with those that are wanted.
//
// A test speaks the language of rules. Of a call only what is written is compared, under the names that rules use,
// which come from customerio's table of operations; of a dead letter only the reason. Calls are compared with calls and
// dead letters with dead letters, each in order. A wanted null stands for something that is left out.
//
// A test may name a file that holds its event. It is read below the folder of the rule file and nowhere else: rule
// files come from many hands, and the differences that are printed must not show another file of the machine. A panic
// while a test runs ends that test with a sentence that quotes nothing.
//
// There are no goroutines and no locks. Begin reading with Run in run.go; compare.go words the differences.
package ruletest
