// Package breaker is the circuit breaker of rules: it stops the flow when most of what a rule makes fails.
//
// Then the rule is broken, or a producer has changed its events, and dead letters would only move the topic
// elsewhere. The breaker counts, for each rule, the last results of mapping and of delivery apart: what a rule
// cannot make says nothing of what Customer.io takes of it. Events that fail before any rule are counted against
// all that were read. An event counts once for each of its rules, however many of its calls fail, and once however
// often it comes again.
//
// A breaker that has tripped stays so: the pipeline takes nothing more up, and a person has to look. The pipeline's
// lock guards it. Begin with Breaker.Mapped and Breaker.Delivered.
package breaker
