package record

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"unicode/utf8"
)

// form is what a value looks like by its first bytes.
type form uint8

const (
	formUnknown form = iota
	formGzip
	formZlib
	formZstd
	formMark
	formUTF16
)

var formNames = [...]string{"", "gzip", "zlib", "zstd", "a byte order mark", "UTF-16"}

func (f form) name() string { return formNames[f] }

var byteOrderMark = []byte("\xef\xbb\xbf")

// formOf tells the forms that an Opener opens.
func formOf(v []byte) form {
	if len(v) < 4 || v[0] == '{' && v[1] != 0 {
		return formUnknown
	}
	switch {
	case v[0] == 0x1f && v[1] == 0x8b && v[2] == 8:
		return formGzip
	case v[0] == 0x78 && (uint(v[0])<<8|uint(v[1]))%31 == 0 && v[1]&0x20 == 0:
		return formZlib
	case binary.LittleEndian.Uint32(v) == 0xfd2fb528:
		return formZstd
	case bytes.HasPrefix(v, byteOrderMark):
		return formMark
	case v[0] == 0xff && v[1] == 0xfe, v[0] == 0xfe && v[1] == 0xff, v[1] == 0 && beginsDocument(v[0]),
		v[0] == 0 && v[2] == 0 && beginsDocument(v[1]):
		return formUTF16
	}
	return formUnknown
}

func beginsDocument(c byte) bool { return c == '{' || c == '[' || c == '"' }

// What reads a form that is no JSON text.
const (
	readsFrom = "envelope: {from: .} reads it"
	readsEach = "envelope: {each: .} reads it"
	nothing   = "no setting reads it; have the producer write JSON"
)

// Form tells what a value looks like that is not one JSON value, and which setting reads it: words to stand behind "it
// looks like". It is "" for what looks like nothing in particular.
func Form(value []byte) string {
	if f := formOf(value); f != formUnknown {
		return f.name() + "; " + readsFrom
	}
	if what := binaryForm(value); what != "" {
		return what
	}
	trimmed := TrimSpace(value)
	switch {
	case len(trimmed) == 0:
		return ""
	case isBesideNUL(trimmed):
		return "JSON with NUL bytes behind it; " + readsFrom
	case !utf8.Valid(value):
		return unreadableForm(value)
	}
	if form := textForm(trimmed); form != "" || value[0] >= ' ' || !isProtobuf(value) {
		return form
	}
	return "Protobuf; " + nothing
}

// binaryForm tells forms that begin with bytes of their own.
func binaryForm(v []byte) string {
	switch {
	case len(v) > 5 && v[0] == 0:
		return registered(v)
	case bytes.HasPrefix(v, []byte("Obj\x01")):
		return "a file of Avro; " + nothing
	case bytes.HasPrefix(v, []byte{0xc3, 0x01}) && len(v) > 10:
		return "an Avro object with a fingerprint; " + nothing
	case bytes.HasPrefix(v, []byte("PAR1")):
		return "a file of Parquet; " + nothing
	case bytes.HasPrefix(v, []byte{0xff, 0x06, 0, 0, 's', 'N', 'a', 'P', 'p', 'Y'}),
		bytes.HasPrefix(v, []byte("\x82SNAPPY\x00")):
		return "snappy; " + nothing
	case bytes.HasPrefix(v, []byte{0x04, 0x22, 0x4d, 0x18}):
		return "lz4; " + nothing
	case bytes.HasPrefix(v, []byte("BZh")) && len(v) > 10 && v[4] == '1':
		return "bzip2; " + nothing
	case bytes.HasPrefix(v, []byte{0xac, 0xed, 0, 5}):
		return "a serialized object of Java; " + nothing
	case bytes.HasPrefix(v, []byte{0xd9, 0xd9, 0xf7}):
		return "CBOR; " + nothing
	case len(v) > 4 && v[len(v)-1] == 0 && uint64(binary.LittleEndian.Uint32(v)) == uint64(len(v)):
		return "BSON; " + nothing
	}
	return ""
}

// registered words the wire format of a schema registry.
func registered(v []byte) string {
	id := strconv.FormatUint(uint64(binary.BigEndian.Uint32(v[1:])), 10)
	reads := "content: avro, protobuf or json_schema with a schema registry reads it"
	if rest := TrimSpace(v[5:]); len(rest) > 0 && rest[0] == '{' {
		reads = "content: json_schema reads it"
	}
	return "the wire format of a schema registry, with schema " + id + "; " + reads
}

func isBesideNUL(v []byte) bool {
	cut := bytes.TrimRight(v, "\x00")
	return len(cut) > 0 && len(cut) < len(v) && (cut[0] == '{' || cut[0] == '[') &&
		(cut[len(cut)-1] == '}' || cut[len(cut)-1] == ']')
}

// unreadableForm tells the forms of values that are no text.
func unreadableForm(v []byte) string {
	switch {
	case isMap(v, 0xa0, 0xb7, 0x60, 0x7b) || v[0] == 0xbf && isBetween(v, 1, 0x60, 0x7b):
		return "CBOR; " + nothing
	case isMap(v, 0x80, 0x8f, 0xa1, 0xbf) || (v[0] == 0xde || v[0] == 0xdf) && len(v) > 5,
		isMap(v, 0x90, 0x9f, 0x80, 0x8f):
		return "MessagePack; " + nothing
	case isProtobuf(v):
		return "Protobuf; " + nothing
	}
	return "bytes that are no text; " + nothing
}

// isMap reports whether the first byte is one of a map's, and the second one of a key's.
func isMap(v []byte, first, last, firstKey, lastKey byte) bool {
	return isBetween(v, 0, first, last) && isBetween(v, 1, firstKey, lastKey)
}

func isBetween(v []byte, i int, first, last byte) bool {
	return len(v) > i && v[i] >= first && v[i] <= last
}

// isProtobuf reports whether a value is fields of Protobuf from its beginning to its end.
func isProtobuf(v []byte) bool {
	for len(v) > 0 {
		tag, n := binary.Uvarint(v)
		if n <= 0 || tag>>3 == 0 || tag>>3 > 10_000 {
			return false
		}
		v = v[n:]
		size := uint64(0)
		switch tag & 7 {
		case 0:
			if _, n = binary.Uvarint(v); n <= 0 {
				return false
			}
			v = v[n:]
		case 1:
			size = 8
		case 2:
			if size, n = binary.Uvarint(v); n <= 0 {
				return false
			}
			v = v[n:]
		case 5:
			size = 4
		default:
			return false
		}
		if size > uint64(len(v)) {
			return false
		}
		v = v[size:]
	}
	return true
}

// textForm tells the forms of texts. The text is not empty.
func textForm(v []byte) string {
	switch {
	case Lines(v) != nil:
		return "a JSON value on each line; " + readsEach
	case v[0] == '<':
		return "XML; " + nothing
	case v[0] == '{' && bytes.HasPrefix(TrimSpace(v[1:]), []byte("'")):
		return "an object with single quotes, as Python prints it; " + nothing
	case isEncodedForm(v):
		return "an encoded form (name=value&…); " + nothing
	case fromBase64(v) != nil:
		return "JSON in base64; " + readsFrom
	}
	return ""
}

// isEncodedForm reports whether a text is that of a form, as application/x-www-form-urlencoded has it.
func isEncodedForm(v []byte) bool {
	equals := bytes.IndexByte(v, '=')
	if equals <= 0 || equals == len(v)-1 && len(v) > 64 || v[0] == '"' {
		return false
	}
	for _, c := range v {
		if c <= ' ' || c >= 0x7f || bytes.IndexByte([]byte(`"{}<>;,`), c) >= 0 {
			return false
		}
	}
	return bytes.TrimRight(v, "=")[0] != '=' && equals < len(bytes.TrimRight(v, "="))
}
