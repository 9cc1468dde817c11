package expr

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strconv"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/mapping/expr/projection"
)

// compare orders two values as gojq does: by kind, then numbers by value, strings by their decoded text.
func (d *Document) compare(l, r Value) int {
	if l.Kind != r.Kind {
		return cmp.Compare(l.Kind, r.Kind)
	}
	switch l.Kind {
	case Number:
		return compareNumbers(l.Raw, r.Raw, parseNumber(l.Raw), parseNumber(r.Raw))
	case String:
		return bytes.Compare(d.text(l), d.text(r))
	case Array, Object:
		return gojq.Compare(projection.Decode(l.Raw), projection.Decode(r.Raw))
	}
	return 0
}

// constant is one side of a comparison that is the same for every document: a number or a string.
type constant struct {
	value  Value
	number number
	text   []byte // decoded
}

func newConstant(v Value) *constant {
	c := &constant{value: v, text: v.AppendString(nil)}
	if v.Kind == Number {
		c.number = parseNumber(v.Raw)
	}
	return c
}

// compareTo is compare with a constant.
func (d *Document) compareTo(l Value, r *constant) int {
	switch {
	case l.Kind != r.value.Kind:
		return cmp.Compare(l.Kind, r.value.Kind)
	case l.Kind == String:
		return bytes.Compare(d.text(l), r.text)
	}
	return compareNumbers(l.Raw, r.value.Raw, parseNumber(l.Raw), r.number)
}

// number is a parsed number: i where it is an integer, f for any.
type number struct {
	i       int64
	f       float64
	integer bool
	ok      bool // whether i, or f alone where it is no integer, is what was written
}

// compareNumbers follows gojq: integers compare exactly, and as soon as one side has a fraction or an exponent both
// compare as 64-bit floats. What fits neither goes to gojq.
func compareNumbers(lraw, rraw []byte, l, r number) int {
	switch {
	case !l.ok || !r.ok:
		return gojq.Compare(json.Number(lraw), json.Number(rraw))
	case l.integer && r.integer:
		return cmp.Compare(l.i, r.i)
	}
	return cmp.Compare(l.f, r.f)
}

func parseNumber(raw []byte) number {
	if n, fraction, ok := shortDecimal(raw); ok {
		return number{n, float64(n) / powers[fraction], fraction == 0, true}
	}
	if (Value{Kind: Number, Raw: raw}).IsInteger() {
		i, err := strconv.ParseInt(string(raw), 10, 64)
		return number{i, float64(i), true, err == nil}
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	return number{0, f, false, err == nil}
}

// shortDecimal reads a number of at most 15 digits and a point, or 16 digits, as a whole number and how many of its
// digits stand behind the point; ok is false for any other. Both fit a float64 exactly, so that dividing rounds as
// strconv does.
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
