// Package rulefile reads rules as people write them in YAML: whole rule files, and the rules, topics and envelopes that
// stand in the configuration.
//
// It owns the form: which keys there are, which texts are expressions, and that every YAML parser sees the same values.
// Tags, anchors and aliases are refused, and so are scalars that another parser would take for something else, because
// rules pass through other tools on their way. Which keys an action has is read from customerio's table of operations.
//
// Text goes in, and plain data comes out: a mapping.Rule for each rule, a ruletest.Test for each test, each part with
// the place where it was written, so that a later mistake can name it. What an expression says is checked by
// mapping.Compile. A reader goes on after a mistake, so that one run names all of them; of what stands in the
// configuration itself it quotes nothing, since a secret may stand there by mistake.
//
// There are no goroutines and no locks. Begin reading with Parse in file.go, for a file, or with the types of
// section.go, for a part of the configuration. Both use the reader: rule.go and test.go know the keys, collection.go
// takes maps and lists apart, scalar.go tells expressions from literals, and reader.go notes the mistakes.
package rulefile
