// Package logical writes values as JSON that a schema gives a meaning which JSON has no type for: decimals, dates,
// times of day and moments, as Kafka Connect, Debezium and Avro have them. It has no state.
package logical
