package expr

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/expr/syntax"
)

// reference is a program as gojq compiles it, without any instruments of ours: the answer that programs on the fast
// path are held to. It differs from gojq where the package promises to: values of two kinds have no order, and an
// integer keeps its digits beside a fraction.
func reference(t testing.TB, src string) *gojq.Code {
	t.Helper()
	q, err := gojq.Parse(src)
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	v := syntax.Visitor{Query: asPromised}
	v.Visit(q)
	options := []gojq.CompilerOption{
		gojq.WithVariables([]string{"$message"}), gojq.WithFunction("same", 0, 0,
			func(v any, _ []any) any { return v }),
	}
	for name, perSecond := range document.TimeFunctions {
		options = append(options, gojq.WithFunction(name, 0, 1, unixReference(perSecond)))
	}
	for op, holds := range map[gojq.Operator]func(order int) bool{
		gojq.OpLt: func(o int) bool { return o < 0 }, gojq.OpLe: func(o int) bool { return o <= 0 },
		gojq.OpGt: func(o int) bool { return o > 0 }, gojq.OpGe: func(o int) bool { return o >= 0 },
	} {
		options = append(options, gojq.WithFunction(promised[op], 2, 2, func(_ any, args []any) any {
			if gojq.TypeOf(args[0]) != gojq.TypeOf(args[1]) {
				return errors.New("two kinds")
			}
			return holds(gojq.Compare(args[0], args[1]))
		}))
	}
	for op, compute := range map[gojq.Operator]func(z, x, y *big.Rat) *big.Rat{
		gojq.OpAdd: (*big.Rat).Add, gojq.OpSub: (*big.Rat).Sub, gojq.OpMul: (*big.Rat).Mul,
	} {
		native := operator(t, op)
		options = append(options, gojq.WithFunction(promised[op], 2, 2, func(_ any, args []any) any {
			if v := withDigits(compute, args[0], args[1]); v != nil {
				return v
			}
			v, _ := native.Run(nil, args[0], args[1]).Next()
			if f, ok := v.(float64); ok && math.IsInf(f, 0) {
				// no document has an infinite number
				return errors.New("gave a number outside the range of 64-bit floats")
			}
			return v
		}))
	}
	code, err := gojq.Compile(q, options...)
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	return code
}

var promised = map[gojq.Operator]string{
	gojq.OpLt: "ref_less", gojq.OpLe: "ref_lesseq", gojq.OpGt: "ref_greater", gojq.OpGe: "ref_greatereq",
	gojq.OpAdd: "ref_add", gojq.OpSub: "ref_subtract", gojq.OpMul: "ref_multiply",
}

// asPromised puts the functions of the reference in the place of operators.
//
// Gojq 0.12.20 compiles {a: (.x or .y | "z")} wrongly: it melts a constant after a pipe into the constants true and
// false before it. A function that does nothing, put into every pipe, keeps them apart.
func asPromised(q *gojq.Query) {
	updates := map[gojq.Operator]gojq.Operator{gojq.OpUpdateAdd: gojq.OpAdd, gojq.OpUpdateSub: gojq.OpSub,
		gojq.OpUpdateMul: gojq.OpMul}
	switch {
	case q.Term != nil:
	case q.Op == gojq.OpPipe && len(q.Patterns) == 0:
		q.Right = syntax.Pipe(syntax.Call("same"), q.Right)
	case promised[q.Op] != "":
		syntax.Replace(q, syntax.Call(promised[q.Op], q.Left, q.Right))
	case updates[q.Op] != 0:
		update := syntax.Call(promised[updates[q.Op]], syntax.Identity(), syntax.Call("$ref"))
		syntax.Replace(q, syntax.Group(syntax.Bind(q.Right, "$ref",
			&gojq.Query{Left: q.Left, Op: gojq.OpModify, Right: update})))
	}
}

// withDigits computes what gojq would with floats although one number is an integer that has no room there for a
// fraction; nil where there is none.
func withDigits(compute func(z, x, y *big.Rat) *big.Rat, l, r any) any {
	value := func(v any) (*big.Rat, bool) {
		if f, ok := v.(float64); ok {
			r := new(big.Rat)
			return r, r.SetFloat64(f) != nil
		}
		if gojq.TypeOf(v) != "number" {
			return nil, false
		}
		text, err := gojq.Marshal(v)
		if err != nil {
			return nil, false
		}
		return new(big.Rat).SetString(string(text))
	}
	x, okx := value(l)
	y, oky := value(r)
	if !okx || !oky || isWhole(l) && isWhole(r) {
		return nil
	}
	long := func(v any, x *big.Rat) bool {
		f, _ := x.Float64()
		n, _ := v.(json.Number)
		return isWhole(v) && math.Abs(f) >= 1<<52 || n != "" && math.Abs(f) >= 1<<53 &&
			!strings.ContainsAny(string(n), "eE")
	}
	if !long(l, x) && !long(r, y) {
		return nil
	}
	z := compute(new(big.Rat), x, y)
	f, exact := z.Float64()
	switch {
	case z.IsInt() && z.Num().BitLen() > 1024:
		return errors.New("gave a number outside the range of 64-bit floats")
	case z.IsInt():
		return z.Num()
	case !exact && math.Abs(f) >= 1<<52:
		return errors.New("the result has more digits than a 64-bit float holds; compute with integers alone")
	}
	return f
}

// operator is an operator of gojq as a function of its operands.
func operator(t testing.TB, op gojq.Operator) *gojq.Code {
	t.Helper()
	q, err := gojq.Parse("$l " + op.String() + " $r")
	if err != nil {
		t.Fatal(err)
	}
	code, err := gojq.Compile(q, gojq.WithVariables([]string{"$l", "$r"}))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// unixReference is unix for numbers that count perSecond to the second. What is a time is told by package document.
func unixReference(perSecond int64) func(any, []any) any {
	return func(in any, args []any) any {
		var zone []byte
		if len(args) > 0 {
			zone = []byte(args[0].(string))
		}
		text, err := gojq.Marshal(in)
		if err != nil {
			return err
		}
		seconds, known, err := document.Unix(Value{Kind: document.KindOf(text[0]), Raw: text}, perSecond, zone)
		switch {
		case err != nil:
			return err
		case !known:
			return nil
		}
		return int(seconds)
	}
}

// isWhole reports whether gojq keeps v as an integer.
func isWhole(v any) bool {
	switch v := v.(type) {
	case int, *big.Int:
		return true
	case json.Number:
		return !strings.ContainsAny(string(v), ".eE")
	}
	return false
}
