// Package limits is what one run of a program may use, and the error with which a run ends.
//
// Fuel counts the steps of a run: an instruction, or some bytes that a function reads or makes. A function pays
// before it works, since it cannot be stopped. Fuel also looks at the clock, so that a run which does slow things for
// few steps ends too. For gojq it is the run's context, whose Done is asked before each instruction. A run that has
// met a limit fails, whatever the program does to catch that. Meter holds the outputs of a run to their limits.
//
// Fuel belongs to one run, and to the goroutine that makes it. The package starts no goroutine and has no locks.
//
// Begin reading with Fuel in fuel.go.
package limits
