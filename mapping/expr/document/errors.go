package document

import (
	"fmt"
)

// Limits of a document.
const (
	MaxDepth    = 64      // arrays and objects inside each other
	MaxDocument = 1 << 20 // bytes of a document
	MaxDigits   = 1000    // digits of a number, also of one that a program writes or makes
)

// InputKind says why a document was refused.
type InputKind uint8

// The reasons for which a document is refused.
const (
	NotJSON       InputKind = iota // does not follow RFC 8259, or ends too early
	InvalidUTF8                    // bytes that are not UTF-8 inside a string
	LoneSurrogate                  // a \u escape for half of a surrogate pair
	DuplicateKey                   // an object names the same key twice
	TooDeep                        // nested deeper than MaxDepth
	TooLong                        // longer than MaxDocument
	Empty                          // nothing, or white space alone
	Trailing                       // more bytes after the first value
	LongNumber                     // a number of more than MaxDigits digits
	NumberRange                    // a number outside the range of 64-bit floats
)

var inputTexts = [...]string{
	NotJSON:       "not valid JSON",
	InvalidUTF8:   "invalid UTF-8 in a string",
	LoneSurrogate: "half of a surrogate pair in a string",
	DuplicateKey:  "an object names the same key twice",
	TooDeep:       "nested more than 64 levels deep",
	TooLong:       "longer than 1 MiB",
	Empty:         "empty",
	Trailing:      "more than one JSON value",
	LongNumber:    "a number of more than 1,000 digits",
	NumberRange:   "a number outside the range of 64-bit floats",
}

// String says the reason in a few words.
func (k InputKind) String() string { return inputTexts[k] }

// InputError says why and where a document was refused. It never quotes the document.
type InputError struct {
	Kind   InputKind
	Offset int // bytes before the place
}

// Error names the reason and the place.
func (e *InputError) Error() string { return fmt.Sprintf("%s at byte %d", e.Kind, e.Offset) }
