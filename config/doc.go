// Package config reads the configuration of a bridge: strict YAML made of each stage's own Config, which is merged of
// one or several files and of flags, and the rule files that it names.
//
// It owns where things stand in the file, what ${} stands for, and that every mistake of all files is reported at
// once, each with its place and path, and quotes nothing that may be a secret. What a field means belongs to the stage
// whose Config it is, or to the kind of broker whose Section it is. Only app, the demo and the command import this
// package.
//
// [Load] does everything but the rules: it reads and merges the files, puts values in place of ${}, decodes the tree
// over the defaults, reads the rule files ([RuleFiles]), and checks what all of it means ([Config.Validate]).
// [Config.Compile] compiles the rules. Both go on after a mistake, and leave out what only follows from another.
// Secrets are not read here, but for those in ${}; the stages read them when they use them. Nothing is connected to,
// and no goroutine is started. [Rows] lists all keys, with what meaning.go says of them.
//
// Begin reading with Config in config.go, then Load in load.go. The rules of the sample shop stand beside them, and are
// embedded for the demo (embed.go).
package config
