// Package connect reads values as the JsonConverter of Kafka Connect writes them where schemas.enable is on: an object
// of a schema and a payload. It takes the payload out, and makes plain JSON of what the schema calls a decimal, a date
// or a time.
//
// JSON has no type for those, so that the converter writes bytes in base64, or numbers of days, milliseconds,
// microseconds or nanoseconds, and only the schema tells what they are. A decimal becomes a number with every digit
// that it has; a date, a time of day and a moment become texts as RFC 3339 has them.
//
// A schema is mostly longer than its payload, and the same in every record of a topic. A Wrapper therefore keeps the
// schemas that it has met, as text and as a tree of types, and compares the text of the next record with them: a schema
// that is known is neither scanned nor parsed again. How many it keeps, and how large, is bounded.
//
// The package is pure: bytes in, bytes out, no clock and no goroutine. A Wrapper belongs to one goroutine at a time; a
// Schema and its Types never change.
//
// Begin reading with Wrapper.Open in wrapper.go, then Type.Append in decode.go.
package connect
