package expr

import "encoding/json"

// decode makes of validated text what gojq works on. Numbers stay text, so that they keep their digits.
func decode(raw []byte) any {
	v, _ := decodeAt(raw, string(raw), 0)
	return v
}

// decodeAt decodes the value at i and gives the place after it. Src is raw as a string, which decoded strings share.
func decodeAt(raw []byte, src string, i int) (any, int) {
	switch raw[i] {
	case '"':
		end := skipString(raw, i)
		return decodeText(raw, src, i+1, end-1), end
	case '{':
		m := map[string]any{}
		for i = skipSpace(raw, i+1); raw[i] != '}'; i = skipComma(raw, i) {
			end := skipString(raw, i)
			key := decodeText(raw, src, i+1, end-1)
			i = skipSpace(raw, skipSpace(raw, end)+1)
			m[key], i = decodeAt(raw, src, i)
		}
		return m, i + 1
	case '[':
		list := []any{}
		for i = skipSpace(raw, i+1); raw[i] != ']'; i = skipComma(raw, i) {
			var v any
			v, i = decodeAt(raw, src, i)
			list = append(list, v)
		}
		return list, i + 1
	}
	end := skipValue(raw, i)
	switch raw[i] {
	case 'n':
		return nil, end
	case 't', 'f':
		return raw[i] == 't', end
	}
	return json.Number(src[i:end]), end
}

func decodeText(raw []byte, src string, start, end int) string {
	for i := start; i < end; i++ {
		if raw[i] == '\\' {
			return string(appendUnquoted(nil, raw[start:end]))
		}
	}
	return src[start:end]
}
