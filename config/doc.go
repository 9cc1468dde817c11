// Package config reads the configuration of a bridge: one strict YAML file made of each stage's own Config, and the
// rule files that it names.
//
// It owns where things stand in the file, and that every mistake is reported with its path, or with its line and
// column, and quotes nothing that may be a secret. What a field means belongs to the stage whose Config it is, or to
// the kind of broker whose Section it is. Only app, the demo and the command import this package.
//
// [Load] does everything: it reads the file ([ReadFile]), decodes it over the defaults ([Parse]), reads the rule files
// ([RuleFiles]), and checks what all of it means ([Config.Validate]). Secrets are not read here; the stages read them
// when they use them. Nothing is connected to, no rule is compiled, and no goroutine is started.
//
// Begin reading with Config in config.go, then Load in load.go. The rules of the sample shop stand beside them, and are
// embedded for the demo (embed.go).
package config
