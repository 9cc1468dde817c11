package expr

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strconv"

	"github.com/itchyny/gojq"
)

// compare orders two values as gojq does: by kind, then numbers by value, strings by their decoded text.
func (d *Document) compare(l, r Value) int {
	if l.Kind != r.Kind {
		return cmp.Compare(l.Kind, r.Kind)
	}
	switch l.Kind {
	case Number:
		return compareNumbers(l.Raw, r.Raw)
	case String:
		return bytes.Compare(d.text(l), d.text(r))
	case Array, Object:
		return gojq.Compare(decode(l.Raw), decode(r.Raw))
	}
	return 0
}

// compareNumbers follows gojq: integers compare exactly, and as soon as one side has a fraction or an exponent both compare as
// 64-bit floats. What fits neither goes to gojq.
func compareNumbers(l, r []byte) int {
	li, lf, lint, lok := parseNumber(l)
	ri, rf, rint, rok := parseNumber(r)
	switch {
	case !lok || !rok:
		return gojq.Compare(json.Number(l), json.Number(r))
	case lint && rint:
		return cmp.Compare(li, ri)
	case lint:
		return cmp.Compare(float64(li), rf)
	case rint:
		return cmp.Compare(lf, float64(ri))
	}
	return cmp.Compare(lf, rf)
}

func parseNumber(raw []byte) (i int64, f float64, integer, ok bool) {
	if n, fraction, ok := shortDecimal(raw); ok {
		return n, float64(n) / powers[fraction], fraction == 0, true
	}
	if (Value{Number, raw}).IsInteger() {
		i, err := strconv.ParseInt(string(raw), 10, 64)
		return i, 0, true, err == nil
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	return 0, f, false, err == nil
}

// shortDecimal reads a number of at most 15 digits and a point, or 16 digits, as a whole number and how many of its digits stand
// behind the point; ok is false for any other. Both fit a float64 exactly, so that dividing rounds as strconv does.
func shortDecimal(raw []byte) (n int64, fraction int, ok bool) {
	if len(raw) > 16 {
		return 0, 0, false
	}
	point := len(raw) - 1
	for i, c := range raw {
		switch {
		case c-'0' < 10:
			n = n*10 + int64(c-'0')
		case c == '.':
			point = i
		case c != '-' || i > 0:
			return 0, 0, false
		}
	}
	if raw[0] == '-' {
		n = -n
	}
	return n, len(raw) - 1 - point, true
}

// powers are the powers of ten by which shortDecimal's numbers are divided.
var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14}
