// Package document reads strict JSON: it validates a message in one pass over its bytes, and finds the values that
// are wanted.
//
// Places says what is wanted, as a tree of steps: keys of objects and indexes of arrays. Document.Parse walks that
// tree beside the text and notes the span of each value that stands at a place. Document.At gives it back. Nothing is
// decoded and nothing is copied: a Value is a kind and the bytes of the message.
//
// A document is refused where two readers could see different things in it: duplicate keys, bytes that are not UTF-8,
// half of a surrogate pair, numbers outside the range of 64-bit floats, more than one value. It is also refused where
// it is too deep or too large. An InputError says why and at which byte, and never quotes the message.
//
// Messages of one publisher have the same keys in the same order. The key cache of a Document holds the keys of
// earlier messages and which key came behind which, so that a key which is written as expected is compared in place
// of being read, hashed and looked up. The cache never decides what is valid: it has the same answer as a Document
// without one, which FuzzParse checks.
//
// A Document belongs to one goroutine at a time. Places are safe for use by several once they are sealed. There are
// no locks.
//
// Begin reading with Document.Parse in document.go, then scanner in scan.go. The functions of walk.go walk text that
// was validated before.
package document
