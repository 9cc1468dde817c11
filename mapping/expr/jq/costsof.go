package jq

import (
	"math"
	"math/bits"
	"strings"
	"unicode/utf8"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/expr/limits"
)

// times is the cost of a walk over v, n times.
func times(n int) cost {
	return func(f *limits.Fuel, v any, _ []any) (int, error) {
		size, err := tree(f, v)
		return n * size, err
	}
}

// once is the cost of looking at v n times without looking into its elements.
func once(n int) cost {
	return func(_ *limits.Fuel, v any, _ []any) (int, error) { return n * flat(v), nil }
}

// ofText is the cost of n bytes for each of a string's.
func ofText(n int) cost {
	return func(_ *limits.Fuel, v any, _ []any) (int, error) {
		s, _ := v.(string)
		return n * len(s), nil
	}
}

// onText is the cost of a function that takes a string alone. The error that an object gives quotes its first key,
// for which gojq sorts all.
func onText(c cost) cost {
	return func(f *limits.Fuel, v any, args []any) (int, error) {
		if object, ok := v.(map[string]any); ok {
			return 4 * flat(object), nil
		}
		return c(f, v, args)
	}
}

// bothTrees is the cost of comparing v with an argument.
func bothTrees(f *limits.Fuel, l, r any) (int, error) {
	m, err := tree(f, l)
	if err != nil {
		return 0, err
	}
	n, err := tree(f, r)
	return m + n, err
}

// pairs is the cost of comparing all parts of v with all parts of an argument.
func pairs(f *limits.Fuel, v any, args []any) (int, error) {
	m, err := tree(f, v)
	if err != nil {
		return 0, err
	}
	n, err := tree(f, args[0])
	return m + n + product(m/nodeBytes, n), err
}

func product(m, n int) int {
	if m > 0 && n > math.MaxInt/4/m {
		return math.MaxInt / 2
	}
	return m * n
}

// positions is the cost of finding an argument in v: gojq compares at every place, and strings character by character.
func positions(f *limits.Fuel, v any, args []any) (int, error) {
	s, ok := v.(string)
	if !ok {
		return pairs(f, v, args)
	}
	t, _ := args[0].(string)
	return runeBytes*(len(s)+len(t)) + product(len(s), len(t)), nil
}

func contained(f *limits.Fuel, v any, args []any) (int, error) {
	_, text := v.(string)
	if _, both := args[0].(string); text && both {
		return flat(v) + flat(args[0]), nil
	}
	return pairs(f, v, args)
}

// sorted is the cost of sorting by keys.
func sorted(f *limits.Fuel, keys any) (int, error) {
	list, _ := keys.([]any)
	size, err := tree(f, keys)
	return pieceBytes*len(list) + product(size, bits.Len(uint(len(list)))), err
}

func sortedBySelf(f *limits.Fuel, v any, _ []any) (int, error) { return sorted(f, v) }

func sortedByKeys(f *limits.Fuel, _ any, args []any) (int, error) { return sorted(f, args[0]) }

func argTree(f *limits.Fuel, _ any, args []any) (int, error) { return tree(f, args[0]) }

func splitBy(_ *limits.Fuel, v any, args []any) (int, error) {
	s, _ := v.(string)
	t, ok := args[0].(string)
	if !ok {
		return 0, nil
	}
	return len(s) + pieceBytes*(strings.Count(s, t)+1), nil
}

func joined(_ *limits.Fuel, v any, args []any) (int, error) {
	n := flatElems(v)
	separators := 0
	switch v := v.(type) {
	case []any:
		separators = len(v)
	case map[string]any:
		separators = len(v)
	}
	return n + product(separators, flat(args[0])), nil
}

func transposed(_ *limits.Fuel, v any, _ []any) (int, error) {
	rows, _ := v.([]any)
	longest := 0
	for _, row := range rows {
		list, _ := row.([]any)
		longest = max(longest, len(list))
	}
	return flat(v) + product(elemBytes*longest, len(rows)), nil
}

// searched is the cost of a binary search, which compares with each of at most 64 elements.
func searched(f *limits.Fuel, _ any, args []any) (int, error) {
	n, err := tree(f, args[0])
	return 64 * n, err
}

// ofOrder is the cost of Bessel functions, which count up to their order.
func ofOrder(_ *limits.Fuel, _ any, args []any) (int, error) {
	n, _ := gojq.ToFloat64(args[0])
	return int(min(math.Abs(n), math.MaxInt32)) * limits.BytesPerStep, nil
}

// ofFormat is the cost of a format of strftime, which may pad to 1,024 characters.
func ofFormat(_ *limits.Fuel, _ any, args []any) (int, error) { return 200 * flat(args[0]), nil }

// textAndFormat is the cost of reading a text by a format.
func textAndFormat(_ *limits.Fuel, v any, args []any) (int, error) {
	return flat(v) + flat(args[0]), nil
}

// addedUp is the cost of add.
func addedUp(_ *limits.Fuel, v any, _ []any) (int, error) { return 2 * flatElems(v), nil }

// numeralText refuses what would take long to become a number.
func numeralText(_ *limits.Fuel, v any, _ []any) (int, error) {
	if s, ok := v.(string); ok && digitsIn(s) > document.MaxDigits {
		return 0, errNumber
	}
	return flat(v), nil
}

// indexed is the cost of a look into v by number: gojq counts the characters of a string.
func indexed(_ *limits.Fuel, v any, _ []any) (int, error) {
	s, _ := v.(string)
	return len(s), nil
}

// part is the cost of a part of a string with as many parts as the argument says, each of which is copied once for
// each behind it.
func part(f *limits.Fuel, v any, args []any) (int, error) {
	n, err := tree(f, v)
	return n * (4 + args[0].(int)), err
}

func exploded(_ *limits.Fuel, v any, _ []any) (int, error) {
	s, _ := v.(string)
	return len(s) + runeBytes*utf8.RuneCountInString(s), nil
}
