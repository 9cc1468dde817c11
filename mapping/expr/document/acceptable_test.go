package document

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// acceptable is a slow reading of the same rules, made of the standard library's decoder.
func acceptable(raw []byte) bool {
	if len(raw) > MaxDocument || !utf8.Valid(raw) || !json.Valid(raw) || loneSurrogate(raw) {
		return false
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	return acceptableValue(dec, 0)
}

func acceptableValue(dec *json.Decoder, depth int) bool {
	tok, err := dec.Token()
	if err != nil {
		return false
	}
	if _, ok := tok.(json.Delim); !ok {
		number, ok := tok.(json.Number)
		_, outside := number.Float64()
		return !ok || outside == nil && digitsIn(string(number)) <= MaxDigits
	}
	if depth++; depth > MaxDepth {
		return false
	}
	keys := map[string]bool{}
	for dec.More() {
		if tok == json.Delim('{') {
			key, err := dec.Token()
			if err != nil || keys[key.(string)] {
				return false
			}
			keys[key.(string)] = true
		}
		if !acceptableValue(dec, depth) {
			return false
		}
	}
	_, err = dec.Token()
	return err == nil
}

// loneSurrogate looks at every \u escape of a valid document.
func loneSurrogate(raw []byte) bool {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		i++
		if raw[i] != 'u' {
			continue
		}
		var r, next uint16
		fmt.Sscanf(string(raw[i+1:i+5]), "%04x", &r)
		i += 4
		switch {
		case r >= 0xdc00 && r <= 0xdfff:
			return true
		case r >= 0xd800 && r <= 0xdbff:
			if i+6 >= len(raw) || raw[i+1] != '\\' || raw[i+2] != 'u' {
				return true
			}
			fmt.Sscanf(string(raw[i+3:i+7]), "%04x", &next)
			if next < 0xdc00 || next > 0xdfff {
				return true
			}
			i += 6
		}
	}
	return false
}

// digitsIn counts the digits of a number.
func digitsIn(number string) (n int) {
	for _, c := range number {
		if c >= '0' && c <= '9' {
			n++
		}
	}
	return n
}
