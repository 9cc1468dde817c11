package jq

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/expr/limits"
	"github.com/ciobridge/ciobridge/mapping/expr/projection"
)

// What is not text must not become text: gojq puts U+FFFD in the place of everything that it cannot decode, so that
// all binary ids would be one person. The functions below fail instead.

// base64Text is @base64d. Line breaks and missing padding are left to the publisher; anything else that two texts
// could have in front of the same bytes is refused.
func base64Text(v any, _ []any) any {
	s, ok := v.(string)
	if !ok {
		text, err := gojq.Marshal(v)
		if err != nil {
			return limits.Failedf("@base64d needs a string, not %s", document.Article(kindOfGo(v)))
		}
		s = string(text)
	}
	s = strings.NewReplacer("\r", "", "\n", "").Replace(s)
	padding := len(s)
	s = strings.TrimRight(s, "=")
	padding -= len(s)
	if padding > 0 && (len(s)+padding)%4 != 0 || padding > 2 {
		return limits.Failedf("@base64d: the padding is wrong")
	}
	b, err := base64.RawStdEncoding.Strict().DecodeString(s)
	switch {
	case err != nil:
		return limits.Failedf("@base64d: not base64 in the standard alphabet")
	case !utf8.Valid(b):
		return limits.Failedf("@base64d: the bytes are not UTF-8 text; an id that is binary can stay base64")
	}
	return string(b)
}

// decodedText gives v on where it is text; args name the function that made it.
func decodedText(v any, args []any) any {
	if s, ok := v.(string); ok && !utf8.ValidString(s) {
		return limits.Failedf("%s: the bytes are not UTF-8 text", args[0])
	}
	return v
}

// codePoints gives v on to implode.
func codePoints(v any, _ []any) any {
	list, _ := v.([]any)
	for _, e := range list {
		n, ok := gojq.ToInt(e)
		if ok && (n < 0 || n > utf8.MaxRune || !utf8.ValidRune(rune(n))) {
			return limits.Failedf("implode: a number is not a Unicode code point")
		}
	}
	return v
}

// jsonText is fromjson. It takes what a document may be, and nothing else.
func jsonText(v any, _ []any) any {
	s, ok := v.(string)
	if !ok {
		return limits.Failedf("fromjson needs a string, not %s", document.Article(kindOfGo(v)))
	}
	var d document.Document
	if err := d.Parse(noPlaces, []byte(s)); err != nil {
		var input *document.InputError
		if !errors.As(err, &input) {
			return err
		}
		return limits.Failedf("fromjson: %s", input.Kind)
	}
	return projection.Decode(d.Root().Raw)
}

var noPlaces = func() *document.Places {
	p := document.NewPlaces()
	p.Seal()
	return p
}()

// numeral gives v on to tonumber. A number with more digits than a 64-bit float holds stays as it is written.
func numeral(v any, _ []any) any {
	s, ok := v.(string)
	if !ok || s == "" || s[0] != '-' && (s[0] < '0' || s[0] > '9') || !json.Valid([]byte(s)) {
		return v
	}
	n := json.Number(s)
	switch {
	case !document.InFloat([]byte(s)):
		return limits.Unreadablef("tonumber: the number is outside the range of 64-bit floats")
	case isLarge(n):
		return n
	}
	return v
}

// finite gives v on where it is not infinite; args name the function that made it.
func finite(v any, args []any) any {
	if isInfinite(v) {
		return limits.Failedf("%s: the number is outside the range of 64-bit floats", args[0])
	}
	return v
}
