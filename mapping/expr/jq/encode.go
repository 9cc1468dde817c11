package jq

import (
	"encoding/json"
	"math"
	"math/big"
	"slices"
	"unicode/utf8"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/expr/limits"
)

// encode appends what gojq gave, as jq writes it, and gives all of dst with the kind of what was appended. Values
// that would take more than MaxOutput bytes are refused while they are written: gojq shares parts of values, so that
// a small one can stand for a text without end.
func encode(dst []byte, v any) (document.Value, error) {
	start := len(dst)
	dst, err := appendJQ(dst, v, start+limits.MaxOutput, 0)
	if err != nil {
		return document.Value{}, err
	}
	return document.Value{Kind: document.KindOf(dst[start]), Raw: dst}, nil
}

var (
	errNotText  = limits.Failedf("gave a string that is not UTF-8 text")
	errInfinite = limits.Failedf("gave a number outside the range of 64-bit floats")
)

func appendJQ(dst []byte, v any, end, depth int) (_ []byte, err error) {
	if len(dst) > end {
		return dst, limits.ErrTooMuch
	}
	if depth > maxNesting {
		return dst, errDeep
	}
	switch v := v.(type) {
	case json.Number:
		return append(dst, v...), nil
	case float64:
		if math.IsInf(v, 0) {
			return dst, errInfinite
		}
	case *big.Int:
		if v.BitLen() > maxFloatBits {
			return dst, errInfinite
		}
	case string:
		switch {
		case len(v) > end-len(dst):
			return dst, limits.ErrTooMuch
		case !utf8.ValidString(v):
			return dst, errNotText
		}
		return jsontext.AppendString(dst, []byte(v)), nil
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = appendJQ(dst, e, end, depth+1); err != nil {
				return dst, err
			}
		}
		return append(dst, ']'), nil
	case map[string]any:
		return appendObject(dst, v, end, depth)
	}
	text, err := gojq.Marshal(v)
	return append(dst, text...), err
}

func appendObject(dst []byte, m map[string]any, end, depth int) (_ []byte, err error) {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	dst = append(dst, '{')
	for i, k := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendJQ(dst, k, end, depth); err != nil {
			return dst, err
		}
		dst = append(dst, ':')
		if dst, err = appendJQ(dst, m[k], end, depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}
