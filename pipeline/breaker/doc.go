// Package breaker is the circuit breaker of rules: it stops a rule when most of what it makes fails, and a topic when
// most of its events cannot be read.
//
// Then the rule is broken, or a producer has changed its events, and dead letters would only move the topic
// elsewhere. The breaker counts, for each rule, the last results of mapping and of delivery apart: what a rule
// cannot make says nothing of what Customer.io takes of it. Events that fail before any rule are counted against
// all that were read of their topic, and no rule is blamed for them. An event counts once for each of its rules,
// however many of its calls fail, and once however often it comes again.
//
// What has stopped stays so until Resume: the pipeline holds the events of the rule, or reads nothing more of the
// topic, and a person has to look. The pipeline's lock guards the breaker; Stops may be read without it. Begin with
// Breaker.Mapped and Breaker.Delivered.
package breaker
