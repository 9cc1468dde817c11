package connect

import (
	"encoding/base64"
	"math/big"
	"strconv"
	"time"

	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

const (
	// maxScale bounds the digits behind the point of a decimal, or the zeros that a scale below zero stands for.
	maxScale = 1000
	// maxUnscaled is how many bytes the digits of a decimal may have, which are about 2,400 digits.
	maxUnscaled = 1000
	// maxNumber is how many characters a decimal may have as a number: what is longer could be outside the range of
	// 64-bit floats, which no JSON number may be here, and becomes a text.
	maxNumber = 300
)

// appendLeaf writes a value that the schema gives another form than JSON has.
func (t *Type) appendLeaf(dst []byte, v document.Value) ([]byte, error) {
	switch t.form {
	case decimal:
		if v.Kind == document.String {
			return appendDecimal(dst, v, t.scale)
		}
	case variableDecimal:
		if v.Kind == document.Object {
			return appendVariable(dst, v)
		}
	default:
		if n, ok := v.Int64(); ok {
			if out, ok := t.form.appendTime(append(dst, '"'), n); ok {
				return append(out, '"'), nil
			}
		}
	}
	return append(dst, v.Raw...), nil
}

// appendVariable writes the struct of a decimal that brings its scale along.
func appendVariable(dst []byte, v document.Value) ([]byte, error) {
	scale, ok := document.MemberOf(v.Raw, "scale").Int64()
	unscaled := document.MemberOf(v.Raw, "value")
	if !ok || scale > maxScale || scale < -maxScale || unscaled.Kind != document.String {
		return dst, &ValueError{Problem: "is no decimal with a usable scale"}
	}
	return appendDecimal(dst, unscaled, int(scale))
}

// appendDecimal writes a decimal as a number with all of its digits, also zeros at the end. Its text is the base64 of
// the digits without their point, in two's complement with the highest byte first.
func appendDecimal(dst []byte, v document.Value, scale int) ([]byte, error) {
	var room [64]byte
	text := v.AppendString(room[:0])
	if base64.StdEncoding.DecodedLen(len(text)) > maxUnscaled+2 {
		return dst, &ValueError{Problem: "is a decimal of more than 1,000 bytes"}
	}
	var roomOfBytes [48]byte
	unscaled, err := base64.StdEncoding.AppendDecode(roomOfBytes[:0], text)
	if err != nil || len(unscaled) == 0 {
		return dst, &ValueError{Problem: "is a decimal by its schema, and no bytes in base64"}
	}
	var roomOfDigits [48]byte
	digits := appendInteger(roomOfDigits[:0], unscaled)
	negative := digits[0] == '-'
	if negative {
		digits = digits[1:]
	}
	isText := len(digits)+max(scale, -scale) > maxNumber
	if isText {
		dst = append(dst, '"')
	}
	if negative {
		dst = append(dst, '-')
	}
	dst = appendPoint(dst, digits, scale)
	if isText {
		dst = append(dst, '"')
	}
	return dst, nil
}

// appendInteger writes an integer in two's complement, with its highest byte first, in decimal digits.
func appendInteger(dst, b []byte) []byte {
	if len(b) <= 8 {
		n := int64(int8(b[0]))
		for _, c := range b[1:] {
			n = n<<8 | int64(c)
		}
		return strconv.AppendInt(dst, n, 10)
	}
	n := new(big.Int).SetBytes(b)
	if b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(b))*8))
	}
	return n.Append(dst, 10)
}

// appendPoint writes digits with scale of them behind the point, or with zeros for a scale below zero.
func appendPoint(dst, digits []byte, scale int) []byte {
	if scale <= 0 {
		dst = append(dst, digits...)
		for ; scale < 0 && string(digits) != "0"; scale++ {
			dst = append(dst, '0')
		}
		return dst
	}
	whole := len(digits) - scale
	if whole > 0 {
		return append(append(append(dst, digits[:whole]...), '.'), digits[whole:]...)
	}
	dst = append(dst, '0', '.')
	for ; whole < 0; whole++ {
		dst = append(dst, '0')
	}
	return append(dst, digits...)
}

const secondsOfDay = 24 * 60 * 60

// The years that a text of RFC 3339 can have.
var (
	year0     = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	year10000 = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
)

// appendTime writes a count as the date, the time of day or the moment that it is. It reports false where there is
// none, such as the infinity of PostgreSQL, or a time of day that is a long span of MySQL.
func (f form) appendTime(dst []byte, n int64) ([]byte, bool) {
	switch f {
	case days:
		if n < year0/secondsOfDay || n >= year10000/secondsOfDay {
			return dst, false
		}
		return time.Unix(n*secondsOfDay, 0).UTC().AppendFormat(dst, time.DateOnly), true
	case millisOfDay, microsOfDay, nanosOfDay:
		seconds, rest := split(n, f.perSecond())
		if seconds < 0 || seconds > secondsOfDay || seconds == secondsOfDay && rest != 0 {
			return dst, false
		}
		if seconds == secondsOfDay { // the end of the day, which the package time would call 00:00
			return append(dst, "24:00:00"...), true
		}
		return time.Unix(seconds, rest).UTC().AppendFormat(dst, "15:04:05.999999999"), true
	}
	seconds, rest := split(n, f.perSecond())
	if seconds < year0 || seconds >= year10000 {
		return dst, false
	}
	return time.Unix(seconds, rest).UTC().AppendFormat(dst, time.RFC3339Nano), true
}

// perSecond is how many units a second has.
func (f form) perSecond() int64 {
	switch f {
	case millis, millisOfDay:
		return 1000
	case micros, microsOfDay:
		return 1_000_000
	}
	return 1_000_000_000
}

// split gives whole seconds, rounded down, and nanoseconds.
func split(n, perSecond int64) (seconds, nanos int64) {
	seconds, rest := n/perSecond, n%perSecond
	if rest < 0 {
		seconds, rest = seconds-1, rest+perSecond
	}
	return seconds, rest * (1_000_000_000 / perSecond)
}

// AppendMillis writes a moment in unix milliseconds as RFC 3339 has it, and reports false where it has none.
func AppendMillis(dst []byte, ms int64) ([]byte, bool) { return millis.appendTime(dst, ms) }
