package expr

import (
	"math/big"

	"github.com/itchyny/gojq"
)

const (
	maxTree    = 2 << 20    // units of a value that is walked or copied: about the bytes of its text
	maxNesting = 10_000     // levels of such a value
	maxPairs   = 10_000_000 // parts of one value times parts of another
	maxIndex   = 100_000    // an index that a program assigns to
	maxBits    = 100_000    // bits of a whole number
)

var guards = []gojq.CompilerOption{
	gojq.WithFunction(measureName, 0, 0, func(v any, _ []any) any { return check(v, treeSize(v, 0, maxTree) <= maxTree) }),
	gojq.WithFunction(lengthName, 0, 0, func(v any, _ []any) any { return check(v, width(v) <= maxTree) }),
	gojq.WithFunction(productName, 1, 1, func(v any, args []any) any { return check(v, maySubtract(v, args[0])) }),
	gojq.WithFunction(pathName, 0, 0, func(v any, _ []any) any { return check(v, nearPath(v)) }),
	gojq.WithFunction(wideName, 0, 0, func(v any, _ []any) any { return check(v, transposedSize(v) <= maxTree) }),
	gojq.WithFunction(operatorNames[gojq.OpAdd], 2, 2, operators[gojq.OpAdd].run),
	gojq.WithFunction(operatorNames[gojq.OpSub], 2, 2, operators[gojq.OpSub].run),
	gojq.WithFunction(operatorNames[gojq.OpMul], 2, 2, operators[gojq.OpMul].run),
}

func check(v any, ok bool) any {
	if !ok {
		return errTooLarge
	}
	return v
}

// treeSize is about the size of v written out. It stops counting once over limit, since parts that v shares count every time.
func treeSize(v any, depth, limit int) int {
	n := 1
	switch v := v.(type) {
	case string:
		n += len(v)
	case *big.Int:
		n += v.BitLen() / 8
	case []any:
		for i := 0; i < len(v) && n <= limit; i++ {
			n += treeSize(v[i], depth+1, limit-n)
		}
	case map[string]any:
		for k, e := range v {
			if n += len(k) + treeSize(e, depth+1, limit-n); n > limit {
				break
			}
		}
	default:
		return n
	}
	if depth > maxNesting {
		n += limit
	}
	return n
}

// width is about the size of v as far as a shallow copy goes.
func width(v any) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case []any:
		return 4 * len(v)
	case map[string]any:
		return 4 * len(v)
	case *big.Int:
		return v.BitLen() / 8
	}
	return 0
}

func mayAdd(l, r any) bool { return width(l) <= maxTree && width(r) <= maxTree }

// maySubtract reports whether all parts of one value may be compared with all parts of the other.
func maySubtract(l, r any) bool {
	m, n := treeSize(l, 0, maxTree), treeSize(r, 0, maxTree)
	return m <= maxTree && n <= maxTree && (m < maxPairs/n || m < 64 || n < 64)
}

func mayMultiply(l, r any) bool {
	if bitLen(l)+bitLen(r) > maxBits {
		return false
	}
	s, isText := l.(string)
	n := r
	if !isText {
		s, isText = r.(string)
		n = l
	}
	if times, isNumber := gojq.ToFloat64(n); isText && isNumber {
		return times <= 0 || s == "" || float64(len(s))*times <= maxTree
	}
	return treeSize(l, 0, maxTree)+treeSize(r, 0, maxTree) <= maxTree
}

func bitLen(v any) int {
	if b, ok := v.(*big.Int); ok {
		return b.BitLen()
	}
	return 0
}

// nearPath looks at the numbers of a path, or of the path that an event of a stream begins with.
func nearPath(v any) bool {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return true
	}
	if path, ok := list[0].([]any); ok {
		return nearPath(path)
	}
	for _, e := range list {
		if n, ok := gojq.ToFloat64(e); ok && n > maxIndex {
			return false
		}
	}
	return true
}

func transposedSize(v any) int {
	rows, _ := v.([]any)
	longest := 0
	for _, row := range rows {
		longest = max(longest, width(row))
	}
	return longest * len(rows) / 4
}
