// Package registrytest is a schema registry in the process, for tests. It speaks as much of the API of Confluent's as
// the bridge asks for.
package registrytest
