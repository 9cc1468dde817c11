// Package cli is what the commands of ciobridge have in common: arguments that are refused, values that shells
// complete, times that people type as flags, and the log of a command that does one thing. It has no goroutine and no
// state. Begin with NoArgs.
package cli
