// Package jq runs programs on gojq, within limits that gojq does not have.
//
// Parse reads a program and refuses what no rule may use, such as the clock and the environment, and every function
// of which it is not known what a call costs. Compile makes a Program of it in three steps:
//
//   - it is instrumented: before each call that may work for long, a step is put which pays for the call
//     (instrument.go; what a call costs is in costs.go and costsof.go)
//   - some functions are defined anew: those that gojq defines in jq (library.jq), and those that would take two
//     integers for one, or make text of what is none (prelude.go)
//   - gojq compiles it, with functions of this package in the place of operators, regular expressions and assignments
//
// Program.Run runs it. A compiled copy of a program is a machine; its functions take fuel from the run that it makes,
// so that a Program has as many machines as it has runs at once. Those that are idle wait in the Program, behind its
// lock, which is held for taking and putting back alone. The package starts no goroutine. An error of gojq quotes
// values; it is put into words that name kinds only (describe.go).
//
// Begin reading with Compile in program.go.
package jq
