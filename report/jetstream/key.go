package jetstream

import (
	"fmt"
	"strconv"
	"strings"
)

// encodeKey writes a key with the characters that a bucket takes. Each other byte becomes "=" and two digits.
func encodeKey(key string) string {
	var out strings.Builder
	for i := range len(key) {
		if c := key[i]; isPlain(c) {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, "=%02X", c)
		}
	}
	return out.String()
}

func isPlain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '/'
}

// decodeKey reads a key that encodeKey wrote. It returns false for another.
func decodeKey(text string) (key string, ok bool) {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '=' {
			if i+2 >= len(text) {
				return "", false
			}
			n, err := strconv.ParseUint(text[i+1:i+3], 16, 8)
			if err != nil {
				return "", false
			}
			c, i = byte(n), i+2
		}
		out = append(out, c)
	}
	return string(out), true
}
