// Package cloudevent reads the attributes that CloudEvents have in the headers of their records, as the bindings for
// Kafka and NATS put them there: ce_type over Kafka, ce-type over NATS, where values are percent-encoded as in HTTP.
//
// A Reader takes the headers of one record, and keeps the attributes with their values until it reads the next one. An
// Error names the header that is wrong, and never quotes its value. What the attributes mean together with the record's
// value is decided by package mapping.
//
// There are no goroutines and no locks. Begin reading with Reader.Read in attribute.go.
package cloudevent
