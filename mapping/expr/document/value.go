package document

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// Kind is the kind of a JSON value.
type Kind uint8

// The kinds. Absent, the zero kind, stands for no value at all: a program that gave no output.
const (
	Absent Kind = iota
	Null
	False
	True
	Number
	String
	Array
	Object
)

var kindNames = [...]string{"nothing", "null", "boolean", "boolean", "number", "string", "array", "object"}

// String names the kind as jq's type function does; Absent is "nothing".
func (k Kind) String() string { return kindNames[k] }

// Value is a JSON value as text. Raw is valid JSON without white space around it and is nil only where Kind is
// Absent. It aliases the document, or memory that the document owns, and is valid until the Document is parsed again.
type Value struct {
	Kind Kind
	Raw  []byte
}

// Truthy is the truth that jq's if sees: everything but null, false and no value at all.
func (v Value) Truthy() bool { return v.Kind > False }

// AppendString appends the decoded text of a String. For any other kind it appends nothing.
func (v Value) AppendString(dst []byte) []byte {
	if v.Kind != String {
		return dst
	}
	return AppendUnquoted(dst, v.Raw[1:len(v.Raw)-1])
}

// IsInteger reports whether the value is a Number written without fraction and exponent, however many digits it has.
func (v Value) IsInteger() bool {
	if v.Kind != Number {
		return false
	}
	for _, c := range v.Raw {
		if c == '.' || c == 'e' || c == 'E' {
			return false
		}
	}
	return true
}

// Int64 is the value of an integer Number; ok is false for every other value and where the number does not fit.
func (v Value) Int64() (n int64, ok bool) {
	if !v.IsInteger() {
		return 0, false
	}
	n, err := strconv.ParseInt(string(v.Raw), 10, 64)
	if err != nil {
		return 0, false
	}
	return n, true
}

// AppendUnquoted decodes the inside of a string that was validated before, so that every escape in it is complete.
func AppendUnquoted(dst, s []byte) []byte {
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		c := s[i+1]
		if c != 'u' {
			dst = append(dst, unescaped[c])
			s = s[i+2:]
			continue
		}
		r := rune(hex4(s[i+2:]))
		s = s[i+6:]
		if r&0xfc00 == 0xd800 {
			r = 0x10000 + (r&0x3ff)<<10 + rune(hex4(s[2:]))&0x3ff
			s = s[6:]
		}
		dst = utf8.AppendRune(dst, r)
	}
}

var unescaped = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// hex4 reads four hexadecimal digits, or gives -1.
func hex4(s []byte) int {
	if len(s) < 4 {
		return -1
	}
	n := 0
	for _, c := range s[:4] {
		switch {
		case c >= '0' && c <= '9':
			n = n<<4 | int(c-'0')
		case c >= 'a' && c <= 'f':
			n = n<<4 | int(c-'a'+10)
		case c >= 'A' && c <= 'F':
			n = n<<4 | int(c-'A'+10)
		default:
			return -1
		}
	}
	return n
}

// NullValue is the value null.
var NullValue = Value{Null, []byte("null")}

// Article is the kind with its article, for sentences.
func Article(k Kind) string {
	switch k {
	case Array, Object:
		return "an " + k.String()
	case Null, Absent:
		return k.String()
	}
	return "a " + k.String()
}

// KindOf is the kind of the value that begins with a byte.
func KindOf(first byte) Kind { return kindOf[first] }

var kindOf = [256]Kind{
	'n': Null, 'f': False, 't': True, '"': String, '[': Array, '{': Object, '-': Number,
	'0': Number, '1': Number, '2': Number, '3': Number, '4': Number, '5': Number, '6': Number, '7': Number,
	'8': Number, '9': Number,
}
