package expr

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/itchyny/gojq"
)

// encode appends what gojq gave, as jq writes it, and gives all of dst with the kind of what was appended. Values that would
// take more than MaxOutput bytes are refused while they are written: gojq shares parts of values, so that a small one can stand for a
// text without end.
func encode(dst []byte, v any) (Value, error) {
	start := len(dst)
	dst, ok := appendJQ(dst, v, start+MaxOutput)
	if !ok {
		return Value{}, errTooMuch
	}
	return Value{kindOf[dst[start]], dst}, nil
}

func appendJQ(dst []byte, v any, end int) (_ []byte, ok bool) {
	if len(dst) > end {
		return dst, false
	}
	switch v := v.(type) {
	case json.Number:
		return append(dst, v...), true
	case string:
		if len(v) > end-len(dst) {
			return dst, false
		}
		return AppendQuoted(dst, []byte(strings.ToValidUTF8(v, "\ufffd"))), true
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, ok = appendJQ(dst, e, end); !ok {
				return dst, false
			}
		}
		return append(dst, ']'), true
	case map[string]any:
		return appendObject(dst, v, end)
	}
	text, err := gojq.Marshal(v)
	return append(dst, text...), err == nil
}

func appendObject(dst []byte, m map[string]any, end int) (_ []byte, ok bool) {
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
		if dst, ok = appendJQ(dst, k, end); !ok {
			return dst, false
		}
		dst = append(dst, ':')
		if dst, ok = appendJQ(dst, m[k], end); !ok {
			return dst, false
		}
	}
	return append(dst, '}'), true
}
