// Package registry asks a schema registry for schemas, by the API of Confluent's, which Apicurio, Redpanda, Karapace
// and others speak as well.
//
// Client.Schema makes one attempt: whoever wants to wait for a registry that is away asks again. It starts no
// goroutine. What a registry answers is bounded, and none of it stands in an error.
package registry
