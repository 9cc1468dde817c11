// Package cli is what the commands of ciobridge have in common: arguments that are refused, values that shells
// complete, times that people type as flags, the log of a command that does one thing, the progress of one that takes
// long, what is asked of a running bridge, and records that are read beside it. A Progress that is shown has one
// goroutine, which Stop waits for. Begin with NoArgs; source.go reads records.
package cli
