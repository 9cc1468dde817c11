package logical

import (
	"errors"
	"math/big"
	"strconv"
)

const (
	// MaxScale bounds the digits behind the point of a decimal, or the zeros that a scale below zero stands for.
	MaxScale = 1000
	// MaxUnscaled is how many bytes the digits of a decimal may have, which are about 2,400 digits.
	MaxUnscaled = 1000
	// maxNumber is how many characters a decimal may have as a number: what is longer could be outside the range of
	// 64-bit floats, which no JSON number may be here, and becomes a text.
	maxNumber = 300
)

var (
	errScale = errors.New("is a decimal without a usable scale")
	errLong  = errors.New("is a decimal of more than 1,000 bytes")
	errEmpty = errors.New("is a decimal without a byte")
)

// AppendDecimal writes a decimal as a number with all of its digits, also zeros at the end. Unscaled are its digits
// without their point, in two's complement with the highest byte first; scale is how many of them stand behind the
// point.
func AppendDecimal(dst, unscaled []byte, scale int) ([]byte, error) {
	switch {
	case scale > MaxScale || scale < -MaxScale:
		return dst, errScale
	case len(unscaled) > MaxUnscaled:
		return dst, errLong
	case len(unscaled) == 0:
		return dst, errEmpty
	}
	var room [48]byte
	digits := appendInteger(room[:0], unscaled)
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
