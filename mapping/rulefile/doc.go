// Package rulefile reads rules as people write them in YAML: whole rule files, and the rules, topics and envelopes that
// stand in the configuration.
//
// It owns the form: which keys there are, which texts are expressions, and that every YAML parser sees the same values.
// All that it gives is the plain data of packages mapping and ruletest, with the place where each part was written, so
// that later mistakes can name it. What an expression says is checked by mapping.Compile.
//
// A reader goes on after a mistake, so that one run names all of them. Parse in file.go is the way in; reader.go takes
// maps and lists apart, scalar.go tells expressions from literals, rule.go and test.go know the keys.
package rulefile
