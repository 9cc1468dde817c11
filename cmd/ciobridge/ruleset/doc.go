// Package ruleset reads the rules that a command works with: those of a configuration, or those of rule files alone. It
// needs neither a broker nor a secret, and asks nobody.
//
// There are no goroutines and no state. Begin reading with Read in ruleset.go.
package ruleset
