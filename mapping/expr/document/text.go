package document

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strconv"
	"unicode/utf8"
)

// number reads the number that begins at i and gives the position after it, or -1. Nearly all numbers are a few
// digits, or two times a few digits with a point between; these end inside of eight bytes.
func (s *scanner) number(i int) int {
	if i+8 > len(s.data) {
		return s.longNumber(i)
	}
	x := word(s.data, i)
	marks := notDigits(x)
	n := bits.TrailingZeros64(marks) &^ 7
	if n == 0 || n == 64 || n > 8 && byte(x) == '0' {
		return s.longNumber(i)
	}
	next := byte(x >> n)
	if next == '.' {
		point := n
		marks &= marks - 1
		if n = bits.TrailingZeros64(marks) &^ 7; n == 64 || n == point+8 {
			return s.longNumber(i)
		}
		next = byte(x >> n)
	}
	if next|0x20 == 'e' {
		return s.longNumber(i)
	}
	return i + n>>3
}

// notDigits marks the bytes of x that are not digits.
func notDigits(x uint64) uint64 {
	x ^= low * '0'
	return ((x & (low * 0x7f)) + low*0x76 | x) & high
}

func (s *scanner) longNumber(i int) int {
	data := s.data
	start := i
	if byteAt(data, i) == '-' {
		i++
	}
	first := i
	i = skipDigits(data, i)
	digits := i - first
	if digits == 0 || data[first] == '0' && digits > 1 {
		return s.fail(NotJSON, first)
	}
	mayOverflow := i-first > maxFloatDigits
	if byteAt(data, i) == '.' {
		i++
		first = i
		if i = skipDigits(data, i); i == first {
			return s.fail(NotJSON, i)
		}
		digits += i - first
	}
	if byteAt(data, i)|0x20 == 'e' {
		if i++; byteAt(data, i) == '+' || byteAt(data, i) == '-' {
			i++
		}
		first = i
		if i = skipDigits(data, i); i == first {
			return s.fail(NotJSON, i)
		}
		digits += i - first
		mayOverflow = true
	}
	switch {
	case digits > MaxDigits:
		return s.fail(LongNumber, start)
	case mayOverflow && !InFloat(data[start:i]):
		return s.fail(NumberRange, start)
	}
	return i
}

// maxFloatDigits is how many digits an integer may have without a look at its value.
const maxFloatDigits = 308

// InFloat reports whether the number is inside the range of 64-bit floats, which is what JSON can be counted on to
// carry.
func InFloat(raw []byte) bool {
	_, err := strconv.ParseFloat(string(raw), 64)
	return err == nil
}

func skipDigits(data []byte, i int) int {
	for i < len(data) && data[i]-'0' < 10 {
		i++
	}
	return i
}

const (
	low  = 0x0101010101010101
	high = 0x8080808080808080
)

// word is the eight bytes that begin at i.
func word(data []byte, i int) uint64 { return binary.LittleEndian.Uint64(data[i : i+8 : i+8]) }

// special marks the bytes of x that end a run of plain text: the quote, the backslash and control characters. Only
// its lowest mark is exact, which is all that is asked of it. The quote is 0x22: with its second bit turned over it
// stands behind the control characters and before the space, so that one subtraction finds both.
func special(x uint64) uint64 {
	return (((x ^ low*0x02) - low*0x21) | ((x ^ low*'\\') - low)) &^ x & high
}

// text reads a string whose opening quote stands before i and gives the position after its closing quote, or -1.
func (s *scanner) text(i int) int {
	data := s.data
	seen := uint64(0)
	for i+16 < len(data) {
		x, y := word(data, i), word(data, i+8)
		seen |= x | y
		n := firstMark(special(x), special(y))
		if i += n; n == 16 {
			continue
		}
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

// firstMark gives the place of the first mark in two words, or 16. Where it is found decides no branch, which most
// strings would have made to be foretold wrongly.
func firstMark(m, n uint64) int {
	at := bits.TrailingZeros64(n) + 64
	if m != 0 {
		at = bits.TrailingZeros64(m)
	}
	return at >> 3
}

// tail is text for the last bytes of the document.
func (s *scanner) tail(i int) int {
	data := s.data
	seen := uint64(0)
	for {
		var x uint64
		if i+8 <= len(data) {
			x = word(data, i)
		} else {
			x = lastWord(data, i)
		}
		seen |= x
		m := special(x)
		if m == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(m) >> 3
		if byteAt(data, i) == '"' {
			s.high |= seen
			return i + 1
		}
		if i = s.escape(i); i < 0 {
			return i
		}
	}
}

// lastWord is word for the last bytes of the document: those behind its end are zero, which no string may hold.
func lastWord(data []byte, i int) uint64 {
	if len(data) >= 8 {
		return word(data, len(data)-8) >> (8 * (i + 8 - len(data)))
	}
	var x [8]byte
	copy(x[:], data[i:])
	return binary.LittleEndian.Uint64(x[:])
}

// escape reads the escape at i, or refuses the control character there.
func (s *scanner) escape(i int) int {
	rest := s.data[i:]
	if len(rest) < 2 || rest[0] != '\\' {
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

// name reads the key that begins at start, behind its opening quote, and gives the position after its closing quote.
func (s *scanner) name(start int) (key seenKey, next int) {
	data := s.data
	if start+16 < len(data) {
		x, y := word(data, start), word(data, start+8)
		n := firstMark(special(x), special(y))
		if end := start + n; data[end] == '"' {
			s.high |= x | y
			first, last := x, uint64(0)
			if n < 8 {
				first &= 1<<(8*n) - 1
			} else {
				last = word(data, end-8)
			}
			return seenKey{hash: mix(first, last, n), start: int32(start), end: int32(end)}, end + 1
		}
	}
	if next = s.text(start); next < 0 {
		return seenKey{}, next
	}
	if raw := data[start : next-1]; bytes.IndexByte(raw, '\\') >= 0 {
		return s.keys.decode(raw), next
	}
	return seenKey{hash: hashKey(data[start : next-1]), start: int32(start), end: int32(next - 1)}, next
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
