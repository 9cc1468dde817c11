// Package protobuf writes values in Protobuf's binary encoding as JSON.
//
// Parse compiles the text of a schema, with those that it imports; Schema.Append reads a message by it. Fields have the
// names that they have in the schema. A field that can be told to be absent is left out where it is; any other has its
// default, as it does for a program. Integers are numbers, also those of 64 bits; bytes are base64, an enum is its
// name, a google.protobuf.Timestamp is a text of RFC 3339, and the wrappers of single values are those values. A
// google.protobuf.Any is its type and its bytes. The same bytes always become the same JSON.
//
// A Schema is safe for use by several goroutines. Begin reading with Schema.Append.
package protobuf
