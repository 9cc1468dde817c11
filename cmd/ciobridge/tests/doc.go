// Package tests is the command test: it runs the tests of rule files, tells what differs as people, CI systems and
// GitHub read it, counts how much of the rules the tests reach, and writes golden files.
//
// What a test is, and how it is compared, is package ruletest's. Nothing here asks a broker, Customer.io or the clock.
// There are no goroutines. Begin reading with New in command.go; report.go prints what came of it.
package tests
