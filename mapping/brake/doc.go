// Package brake is what a rule says of when it is stopped, and of who answers for it. It is data: package mapping keeps
// it with the rule, package mapping/rulefile reads it, and the pipeline obeys it. Begin with Spec.
package brake
