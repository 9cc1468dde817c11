package jsontext

import (
	"encoding/json"
	"strings"
)

const hexDigits = "0123456789abcdef"

// AppendString appends a text, which must be valid UTF-8, as a JSON string. It escapes what jq's own output escapes:
// the quote, the backslash, control characters and DEL, and nothing else, because the bytes count against limits.
func AppendString(dst, text []byte) []byte {
	dst = append(dst, '"')
	start := 0
	for i, c := range text {
		if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
			continue
		}
		dst = append(dst, text[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, `\b`...)
		case '\f':
			dst = append(dst, `\f`...)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	dst = append(dst, text[start:]...)
	return append(dst, '"')
}

// Of is a string, a boolean, a list or a map as encoding/json writes it, without its escapes for HTML.
func Of(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // strings and booleans always encode
	return strings.TrimSuffix(b.String(), "\n")
}
