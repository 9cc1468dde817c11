// Package record looks at the value of a record before it is read as JSON: whether there is anything at all, what wraps
// the JSON text, and what other form it has where it is none.
//
//   - Empty says in which of its forms a record holds nothing: a tombstone of Kafka, an empty value, null, or a mark of
//     JetStream that something is gone.
//   - An Opener takes off what wraps a document, as often as something does: gzip, zstd, zlib, base64, JSON text in a
//     JSON string, a byte order mark, UTF-16, NUL bytes behind the end. What comes out is bounded.
//   - Form tells what a value looks like that is no JSON text, and which setting reads it, if one does.
//
// The package is pure and starts no goroutine. An Opener belongs to one goroutine at a time, and keeps its memory.
//
// Begin reading with Empty in nothing.go, then Opener.Open in opener.go.
package record
