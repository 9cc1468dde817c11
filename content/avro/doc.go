// Package avro writes values in Avro's binary encoding as JSON.
//
// Parse reads a schema once; Schema.Append then goes through the bytes of a value and writes JSON as it goes, without
// making anything in between. A value of a union stands as itself, without its type's name. Bytes are base64, an enum
// is its symbol. What a logical type gives a meaning is written as such: decimals as numbers with every digit, dates,
// times of day and moments as RFC 3339 has them, durations as an object. So are the types that Kafka Connect and
// Debezium name in connect.name. A float that JSON has no number for is "NaN", "Infinity" or "-Infinity".
//
// The bytes may come from anybody: what does not fit its schema is an error that says where, and the output is bounded.
// A Schema is safe for use by several goroutines. Begin reading with Schema.Append.
package avro
