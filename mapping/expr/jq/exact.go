package jq

import (
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/expr/limits"
)

// Gojq computes with 64-bit floats as soon as one number has a fraction, and in most of its functions always. Beyond
// 2^53 two integers then become the same, and with them two persons. The functions below compute such numbers
// exactly, or fail.

const (
	maxExact = 1 << 53 // up to here a 64-bit float holds every integer
	maxHalf  = 1 << 52 // from here on it holds no fraction

	maxFloatBits = 1024    // of an integer in the range of 64-bit floats
	maxRational  = 1 << 13 // bits of a number that is computed with as a fraction
)

// isLarge reports whether v is a number as it was written, or an integer, of 2^53 or more. Even one that a 64-bit
// float holds is written by gojq as another: 34235726079027312 as 34235726079027310.
func isLarge(v any) bool {
	switch v := v.(type) {
	case int:
		return v <= -maxExact || v >= maxExact
	case *big.Int:
		return true
	case json.Number:
		f, err := strconv.ParseFloat(string(v), 64)
		return err != nil || math.Abs(f) >= maxExact
	}
	return false
}

// rational is the exact value of a number; ok is false for an infinite one, NaN, and what is no number.
func rational(v any) (r *big.Rat, ok bool) {
	r = new(big.Rat)
	switch v := v.(type) {
	case int:
		return r.SetInt64(int64(v)), true
	case *big.Int:
		return r.SetInt(v), true
	case float64:
		return r, r.SetFloat64(v) != nil
	case json.Number:
		if f, err := strconv.ParseFloat(string(v), 64); f == 0 && err == nil {
			return r, true // an exponent such as e-999999 would take long to write out
		}
		return r.SetString(string(v))
	}
	return r, false
}

// integer is the integer that v stands for, however it is written, or nil.
func integer(v any) *big.Int {
	r, ok := rational(v)
	if !ok || !r.IsInt() {
		return nil
	}
	return r.Num()
}

// shortest is an integer as gojq keeps it.
func shortest(b *big.Int) any {
	if b.IsInt64() {
		return int(b.Int64())
	}
	return b
}

// rounded is an exact result: an integer as it is, a fraction as a 64-bit float. It fails where that would take a
// fraction for an integer.
func rounded(r *big.Rat) any {
	switch {
	case r.Num().BitLen()-r.Denom().BitLen() > maxFloatBits:
		return errInfinite
	case r.IsInt():
		return shortest(r.Num())
	}
	f, exact := r.Float64()
	if !exact && math.Abs(f) >= maxHalf {
		return errDigits
	}
	return f
}

var errDigits = limits.Failedf("the result has more digits than a 64-bit float holds; compute with integers alone")

// exactly computes with the exact values of both numbers; ok is false where they have none.
func exactly(compute func(z, x, y *big.Rat) *big.Rat, l, r any) (result any, ok bool) {
	x, okx := rational(l)
	y, oky := rational(r)
	switch {
	case !okx || !oky:
		return nil, false
	case x.Num().BitLen() > maxRational || y.Num().BitLen() > maxRational:
		return limits.ErrTooLarge, true
	}
	return rounded(compute(new(big.Rat), x, y)), true
}

var (
	divideCode = operator("$l / $r")
	moduloCode = operator("$l % $r")
)

func divide(_ any, args []any) any {
	l, r := args[0], args[1]
	li, lf, lint, lok := number64(l, maxHalf)
	ri, rf, rint, rok := number64(r, maxHalf)
	if lok && rok && rf != 0 && isSmall(lf) && isSmall(rf) {
		if lint && rint && li%ri == 0 {
			return li / ri
		}
		return inRange(lf/rf, l, r)
	}
	if f, ok := gojq.ToFloat64(r); ok && f != 0 && isNumber(l) && mustBeExact(l, r) {
		if v, ok := exactly((*big.Rat).Quo, l, r); ok {
			return v
		}
	}
	v, _ := divideCode.Run(nil, l, r).Next()
	return inRange(v, l, r)
}

// isSmall reports whether a 64-bit float has room for a fraction behind f.
func isSmall(f float64) bool { return -maxHalf < f && f < maxHalf }

// mustBeExact reports whether computing with 64-bit floats could lose digits of an integer, l or r.
func mustBeExact(l, r any) bool {
	return isLong(l) && !isWhole(r) || isLong(r) && !isWhole(l) || hasDigits(l) || hasDigits(r)
}

// hasDigits is isLarge for what is not written with an exponent, which is a float from the start.
func hasDigits(v any) bool {
	if n, ok := v.(json.Number); ok && strings.ContainsAny(string(n), "eE") {
		return false
	}
	return isLarge(v)
}

// isLong reports whether v is an integer beside which a 64-bit float has no room for a fraction.
func isLong(v any) bool {
	f, _ := gojq.ToFloat64(v)
	return math.Abs(f) >= maxHalf && isWhole(v)
}

// isWhole reports whether gojq keeps v as an integer.
func isWhole(v any) bool {
	switch v := v.(type) {
	case int, *big.Int:
		return true
	case json.Number:
		return document.Value{Kind: document.Number, Raw: []byte(v)}.IsInteger()
	}
	return false
}

// modulo drops the fraction of both sides, as gojq does.
func modulo(_ any, args []any) any {
	l, r := args[0], args[1]
	li, _, lint, lok := number64(l, maxHalf)
	ri, _, rint, rok := number64(r, maxHalf)
	if lok && rok && lint && rint && ri != 0 {
		return li % ri
	}
	if isLarge(l) || isLarge(r) {
		x, okx := rational(l)
		y, oky := rational(r)
		if okx && oky && new(big.Int).Quo(y.Num(), y.Denom()).Sign() != 0 {
			m := new(big.Int).Quo(x.Num(), x.Denom())
			return shortest(m.Rem(m, new(big.Int).Quo(y.Num(), y.Denom())))
		}
	}
	v, _ := moduloCode.Run(nil, l, r).Next()
	return v
}

// addable fails where add would put an integer that a float cannot hold together with a fraction.
func addable(v any, _ []any) any {
	long, fraction := false, false
	each := func(e any) {
		switch e.(type) {
		case int, float64, *big.Int, json.Number:
			long = long || hasDigits(e) || isLong(e)
			fraction = fraction || !isWhole(e)
		}
	}
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			each(e)
		}
	case map[string]any:
		for _, e := range v {
			each(e)
		}
	}
	if long && fraction {
		return tooManyDigits("add")
	}
	return v
}

func isNumber(v any) bool { return kindOfGo(v) == document.Number }

// kindOfGo is the JSON kind of a value of gojq.
func kindOfGo(v any) document.Kind {
	switch v := v.(type) {
	case nil:
		return document.Null
	case bool:
		if v {
			return document.True
		}
		return document.False
	case string:
		return document.String
	case []any:
		return document.Array
	case map[string]any:
		return document.Object
	}
	return document.Number
}
