// Package cli is what the commands of ciobridge have in common: arguments that are refused, values that shells
// complete, times that people type as flags, the log of a command that does one thing, and the progress of one that
// takes long. A Progress that is shown has one goroutine, which Stop waits for. Begin with NoArgs.
package cli
