package jq

import (
	"math"
	"math/big"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/expr/limits"
)

// roundings are the functions that give an integer as it is, or without its sign.
var roundings = map[string]func(float64) float64{
	"floor": math.Floor, "ceil": math.Ceil, "trunc": math.Trunc, "round": math.Round,
	"nearbyint": math.RoundToEven, "rint": math.RoundToEven, "fabs": math.Abs,
}

func rounding(name string, f func(float64) float64) func(any, []any) any {
	return func(v any, _ []any) any {
		x, ok := gojq.ToFloat64(v)
		if !ok {
			return limits.Failedf("%s needs a number, not %s", name, document.Article(kindOfGo(v)))
		}
		if isSmall(x) || !isLarge(v) {
			return f(x)
		}
		b := integer(v)
		switch {
		case b == nil:
			return tooManyDigits(name)
		case name == "fabs":
			b = new(big.Int).Abs(b)
		}
		return shortest(b)
	}
}

func tooManyDigits(name string) error {
	return limits.Failedf("%s computes with 64-bit floats, which cannot hold all digits of this number", name)
}

// inFloats are the functions that compute with 64-bit floats, by how many arguments they have.
var inFloats = [][]string{
	{"significand", "sqrt", "cbrt", "exp", "exp10", "exp2", "expm1", "frexp", "modf", "log", "log10", "log1p", "log2",
		"logb", "gamma", "tgamma",
		"lgamma", "erf", "erfc", "j0", "j1", "y0", "y1", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh",
		"tanh", "asinh", "acosh",
		"atanh", "gmtime", "todate", "todateiso8601"},
	{"strftime"},
	{"atan2", "copysign", "drem", "fdim", "fmax", "fmin", "fmod", "hypot", "jn", "nextafter", "nexttoward",
		"remainder", "ldexp", "scalb",
		"scalbln", "yn", "pow"},
	{"fma"},
}

// held gives v on to the function that args name, which computes with 64-bit floats.
func held(v any, args []any) any {
	if hasDigits(v) {
		return tooManyDigits(args[0].(string))
	}
	return v
}
