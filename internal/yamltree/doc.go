// Package yamltree takes YAML that somebody else wrote apart into a tree of its own, in which each value knows its path
// and its place. It owns how large such a text may be, what no tool on a file's way treats alike, and which kind a
// value without quotes is of. It knows nothing of what the text says.
//
// Only this package knows the YAML library. Its words reach nobody: what it says is put into the program's own, and a
// fault of it does not end the process.
//
// Begin reading with Parse in parse.go and Node in node.go. Decode, in decode.go, puts a tree into Go values.
package yamltree
