package jq

import (
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/mapping/expr/limits"
)

// arithmetic is an operator as a function of its operands, which gojq calls in the operator's place. It computes with
// ordinary numbers itself, and leaves all else to gojq where that cannot take too long.
type arithmetic struct {
	ints    func(l, r int) int
	most    int // integers with a larger absolute value may not give one
	floats  func(l, r float64) float64
	exact   func(z, l, r *big.Rat) *big.Rat
	allowed func(f *limits.Fuel, l, r any) error
	code    *gojq.Code
}

// operators are those that are used most; several steps about each of their operands would cost more than the
// operation.
var operators = map[gojq.Operator]*arithmetic{
	gojq.OpAdd: {
		ints:   func(l, r int) int { return l + r },
		floats: func(l, r float64) float64 { return l + r }, exact: (*big.Rat).Add,
		most: math.MaxInt >> 2, allowed: mayAdd, code: operator("$l + $r"),
	},
	gojq.OpSub: {
		ints:   func(l, r int) int { return l - r },
		floats: func(l, r float64) float64 { return l - r }, exact: (*big.Rat).Sub,
		most: math.MaxInt >> 2, allowed: maySubtract, code: operator("$l - $r"),
	},
	gojq.OpMul: {
		ints:   func(l, r int) int { return l * r },
		floats: func(l, r float64) float64 { return l * r }, exact: (*big.Rat).Mul,
		most: 1 << (strconv.IntSize/2 - 2), allowed: mayMultiply, code: operator("$l * $r"),
	},
}

// operatorNames are the names of those functions.
var operatorNames = map[gojq.Operator]string{gojq.OpAdd: "__add", gojq.OpSub: "__subtract", gojq.OpMul: "__multiply"}

func operator(src string) *gojq.Code { return compiled(src, "$l", "$r") }

// compiled is a program of ours, as gojq compiles it.
func compiled(src string, vars ...string) *gojq.Code {
	q, err := gojq.Parse(src)
	if err != nil {
		panic(err)
	}
	code, err := gojq.Compile(q, gojq.WithVariables(vars))
	if err != nil {
		panic(err)
	}
	return code
}

func (a *arithmetic) run(f *limits.Fuel, l, r any) any {
	li, lf, lint, lok := number64(l, a.most)
	ri, rf, rint, rok := number64(r, a.most)
	switch {
	case lok && rok && lint && rint:
		return a.ints(li, ri)
	case lok && rok && (isSmall(lf) && isSmall(rf) || !mustBeExact(l, r)):
		return inRange(a.floats(lf, rf), l, r)
	}
	if err := a.allowed(f, l, r); err != nil {
		return err
	}
	if isNumber(l) && isNumber(r) && !(isWhole(l) && isWhole(r)) && mustBeExact(l, r) {
		if v, ok := exactly(a.exact, l, r); ok {
			return v
		}
	}
	v, _ := a.code.Run(nil, l, r).Next()
	return inRange(v, l, r)
}

// inRange is the result v of two numbers. It fails where v left the range of floats in which they were.
func inRange(v, l, r any) any {
	if isInfinite(v) && !isInfinite(l) && !isInfinite(r) {
		return errInfinite
	}
	return v
}

func isInfinite(v any) bool {
	f, ok := v.(float64)
	return ok && math.IsInf(f, 0)
}

// number64 is v as gojq counts with it; ok is false for all but ordinary numbers, which integers over most are not.
func number64(v any, most int) (i int, f float64, integer, ok bool) {
	switch v := v.(type) {
	case int:
		i = v
	case float64:
		return 0, v, false, true
	case json.Number:
		if strings.ContainsAny(string(v), ".eE") {
			f, err := strconv.ParseFloat(string(v), 64)
			return 0, f, false, err == nil
		}
		var err error
		if i, err = strconv.Atoi(string(v)); err != nil {
			return 0, 0, false, false
		}
	default:
		return 0, 0, false, false
	}
	return i, float64(i), true, -most <= i && i <= most
}

func mayAdd(f *limits.Fuel, l, r any) error {
	if bitLen(l) > maxBits || bitLen(r) > maxBits {
		return f.Fail(errNumber)
	}
	return f.Pay(flat(l) + flat(r))
}

func maySubtract(f *limits.Fuel, l, r any) error {
	if bitLen(l) > maxBits || bitLen(r) > maxBits {
		return f.Fail(errNumber)
	}
	bytes, err := pairs(f, l, []any{r})
	if err != nil {
		return f.Fail(err)
	}
	return f.Pay(bytes)
}

func mayMultiply(f *limits.Fuel, l, r any) error {
	if bitLen(l)+bitLen(r) > maxBits {
		return f.Fail(errNumber)
	}
	s, isText := l.(string)
	n := r
	if !isText {
		s, isText = r.(string)
		n = l
	}
	if times, isNumber := gojq.ToFloat64(n); isText && isNumber {
		if bytes := float64(len(s)) * max(times, 0); bytes < math.MaxInt32 {
			return f.Pay(int(bytes))
		}
		return limits.ErrTooLarge // like gojq, whose own limit this is, as an error that the program may catch
	}
	bytes, err := bothTrees(f, l, r)
	if err != nil {
		return f.Fail(err)
	}
	return f.Pay(bytes)
}

func bitLen(v any) int {
	switch v := v.(type) {
	case *big.Int:
		return v.BitLen()
	case json.Number:
		return len(v) * 10 / 3
	}
	return 0
}
