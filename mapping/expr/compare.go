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
	if (Value{Number, raw}).IsInteger() {
		i, err := strconv.ParseInt(string(raw), 10, 64)
		return i, 0, true, err == nil
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	return 0, f, false, err == nil
}
