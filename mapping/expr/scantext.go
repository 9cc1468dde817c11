package expr

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

func (s *scanner) number(i int) int {
	data := s.data
	if data[i] == '-' {
		i++
	}
	first := i
	for i < len(data) && data[i]-'0' < 10 {
		i++
	}
	if i == first || data[first] == '0' && i > first+1 {
		return s.fail(NotJSON, first)
	}
	if i < len(data) && data[i] == '.' {
		i++
		first = i
		for i < len(data) && data[i]-'0' < 10 {
			i++
		}
		if i == first {
			return s.fail(NotJSON, i)
		}
	}
	if i < len(data) && data[i]|0x20 == 'e' {
		i++
		if i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		first = i
		for i < len(data) && data[i]-'0' < 10 {
			i++
		}
		if i == first {
			return s.fail(NotJSON, i)
		}
	}
	return i
}

const (
	low  = 0x0101010101010101
	high = 0x8080808080808080
)

// special marks the bytes of x that end a run of plain text: the quote, the backslash and control characters. Only its lowest
// mark is exact, which is all that is asked of it. The quote is 0x22: with its second bit turned over it stands behind the control
// characters and before the space, so that one subtraction finds both.
func special(x uint64) uint64 {
	return (((x ^ low*0x02) - low*0x21) | ((x ^ low*'\\') - low)) &^ x & high
}

// text reads a string whose opening quote stands before i and gives the place after its closing quote, or -1.
func (s *scanner) text(i int) int {
	data := s.data
	seen := uint64(0)
	for i+8 <= len(data) {
		x := binary.LittleEndian.Uint64(data[i:])
		seen |= x
		m := special(x)
		if m == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(m) >> 3
		if data[i] == '"' {
			s.high |= seen
			return i + 1
		}
		if i = s.escape(i); i < 0 {
			return i
		}
	}
	s.high |= seen
	return s.tail(i)
}

// tail is text for the last bytes of the document.
func (s *scanner) tail(i int) int {
	for i < len(s.data) {
		switch c := s.data[i]; {
		case c == '"':
			return i + 1
		case c == '\\' || c < ' ':
			if i = s.escape(i); i < 0 {
				return i
			}
		default:
			s.high |= uint64(c)
			i++
		}
	}
	return s.fail(NotJSON, i)
}

// escape reads the escape at i, or refuses the control character there.
func (s *scanner) escape(i int) int {
	rest := s.data[i:]
	if rest[0] != '\\' || len(rest) < 2 {
		return s.fail(NotJSON, i)
	}
	if rest[1] != 'u' {
		if unescaped[rest[1]] == 0 {
			return s.fail(NotJSON, i)
		}
		return i + 2
	}
	r := hex4(rest[2:])
	switch {
	case r < 0:
		return s.fail(NotJSON, i)
	case r&0xf800 != 0xd800:
		return i + 6
	case r >= 0xdc00 || len(rest) < 12 || rest[6] != '\\' || rest[7] != 'u' || hex4(rest[8:])&^0x3ff != 0xdc00:
		return s.fail(LoneSurrogate, i)
	}
	return i + 12
}

// key reads the key whose opening quote stands before i, and gives the place after its closing quote.
func (s *scanner) key(i int) (key seenKey, next int) {
	data := s.data
	start := i
	for i+8 <= len(data) {
		x := binary.LittleEndian.Uint64(data[i:])
		s.high |= x
		m := special(x)
		if m == 0 {
			i += 8
			continue
		}
		n := bits.TrailingZeros64(m) >> 3
		if data[i+n] != '"' {
			break
		}
		if i == start {
			return seenKey{mix(x&(1<<(8*n)-1), 0, n), int32(i), int32(i + n)}, i + n + 1
		}
		return seenKey{hashKey(data[start : i+n]), int32(start), int32(i + n)}, i + n + 1
	}
	if next = s.text(start); next < 0 {
		return seenKey{}, next
	}
	if raw := data[start : next-1]; bytes.IndexByte(raw, '\\') >= 0 {
		return s.keys.decode(raw), next
	}
	return seenKey{hashKey(data[start : next-1]), int32(start), int32(next - 1)}, next
}

func firstInvalid(b []byte) int {
	i := 0
	for i < len(b) {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		i += n
	}
	return i
}
