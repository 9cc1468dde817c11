package expr

import (
	"encoding/json"
	"math"
	"math/big"
	"math/bits"
	"strings"
	"unicode/utf8"

	"github.com/itchyny/gojq"
)

// What the functions of gojq cost, as the bytes that they read and make. A value costs 8 bytes and its text; what is made of an array
// costs its memory.
const (
	nodeBytes  = 8
	elemBytes  = 16                       // of an array
	entryBytes = 64                       // of an object: hashing, copying and sorting its key
	runeBytes  = 24                       // of an array of code points
	pieceBytes = 48                       // of an array of strings
	maxNesting = 1000                     // levels of a value that is walked
	maxBits    = (MaxDigits + 8) * 10 / 3 // of an integer; digits, a sign, a point and an exponent for one that is still text
)

var (
	errDeep     = &EvalError{Kind: TooMuch, Reason: "made a value of more than 1,000 levels"}
	errLongPath = &EvalError{Kind: TooMuch, Reason: "used a path of more than 1,000 steps"}
	errNumber   = &EvalError{Kind: TooMuch, Reason: "made a number of more than 1,000 digits"}
)

// cost is what a call of a function with the input v costs, or why it must not be called.
type cost func(f *fuel, v any, args []any) (bytes int, err error)

// check makes of a cost a function that hands its input on, or fails.
func (f *fuel) check(c cost) func(any, []any) any {
	return func(v any, args []any) any {
		bytes, err := c(f, v, args)
		if err == nil {
			err = f.pay(bytes)
		} else {
			f.refuse(err)
		}
		if err != nil {
			return err
		}
		return v
	}
}

// tree is the size of all of v. Parts that v shares count every time; it stops counting once the run cannot pay for more.
func (f *fuel) tree(v any) (int, error) {
	w := walker{left: f.left()}
	if w.walk(v, 0); w.deep {
		return 0, errDeep
	}
	return f.left() - w.left, nil
}

type walker struct {
	left int
	deep bool
}

func (w *walker) walk(v any, depth int) {
	if depth > maxNesting {
		w.deep = true
	}
	if w.left -= nodeBytes; w.left < 0 || w.deep {
		return
	}
	switch v := v.(type) {
	case string:
		w.left -= len(v)
	case json.Number:
		w.left -= len(v)
	case *big.Int:
		w.left -= v.BitLen() / 3
	case []any:
		for i := 0; i < len(v) && w.left >= 0 && !w.deep; i++ {
			w.walk(v[i], depth+1)
		}
	case map[string]any:
		for k, e := range v {
			w.left -= entryBytes + len(k)
			if w.walk(e, depth+1); w.left < 0 || w.deep {
				return
			}
		}
	}
}

// flat is the size of v without what is in its elements.
func flat(v any) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case []any:
		return elemBytes * len(v)
	case map[string]any:
		return entryBytes * len(v)
	}
	return 0
}

// flatElems is the size of v and of its elements without what is in those.
func flatElems(v any) int {
	n := flat(v)
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			n += flat(e)
		}
	case map[string]any:
		for _, e := range v {
			n += flat(e)
		}
	}
	return n
}

// times is the cost of a walk over v, n times.
func times(n int) cost {
	return func(f *fuel, v any, _ []any) (int, error) {
		size, err := f.tree(v)
		return n * size, err
	}
}

// once is the cost of looking at v n times without looking into its elements.
func once(n int) cost { return func(_ *fuel, v any, _ []any) (int, error) { return n * flat(v), nil } }

// ofText is the cost of n bytes for each of a string's.
func ofText(n int) cost {
	return func(_ *fuel, v any, _ []any) (int, error) {
		s, _ := v.(string)
		return n * len(s), nil
	}
}

// bothTrees is the cost of comparing v with an argument.
func bothTrees(f *fuel, l, r any) (int, error) {
	m, err := f.tree(l)
	if err != nil {
		return 0, err
	}
	n, err := f.tree(r)
	return m + n, err
}

// pairs is the cost of comparing all parts of v with all parts of an argument.
func pairs(f *fuel, v any, args []any) (int, error) {
	m, err := f.tree(v)
	if err != nil {
		return 0, err
	}
	n, err := f.tree(args[0])
	return m + n + product(m/nodeBytes, n), err
}

func product(m, n int) int {
	if m > 0 && n > math.MaxInt/4/m {
		return math.MaxInt / 2
	}
	return m * n
}

// positions is the cost of finding an argument in v: gojq compares at every place, and strings character by character.
func positions(f *fuel, v any, args []any) (int, error) {
	s, ok := v.(string)
	if !ok {
		return pairs(f, v, args)
	}
	t, _ := args[0].(string)
	return runeBytes*(len(s)+len(t)) + product(len(s), len(t)), nil
}

func contained(f *fuel, v any, args []any) (int, error) {
	_, text := v.(string)
	if _, both := args[0].(string); text && both {
		return flat(v) + flat(args[0]), nil
	}
	return pairs(f, v, args)
}

// sorted is the cost of sorting by keys.
func sorted(f *fuel, keys any) (int, error) {
	list, _ := keys.([]any)
	size, err := f.tree(keys)
	return pieceBytes*len(list) + product(size, bits.Len(uint(len(list)))), err
}

func sortedBySelf(f *fuel, v any, _ []any) (int, error) { return sorted(f, v) }

func sortedByKeys(f *fuel, _ any, args []any) (int, error) { return sorted(f, args[0]) }

func argTree(f *fuel, _ any, args []any) (int, error) { return f.tree(args[0]) }

func splitBy(_ *fuel, v any, args []any) (int, error) {
	s, _ := v.(string)
	t, ok := args[0].(string)
	if !ok {
		return 0, nil
	}
	return len(s) + pieceBytes*(strings.Count(s, t)+1), nil
}

func joined(_ *fuel, v any, args []any) (int, error) {
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

func transposed(_ *fuel, v any, _ []any) (int, error) {
	rows, _ := v.([]any)
	longest := 0
	for _, row := range rows {
		list, _ := row.([]any)
		longest = max(longest, len(list))
	}
	return flat(v) + product(elemBytes*longest, len(rows)), nil
}

// searched is the cost of a binary search, which compares with each of at most 64 elements.
func searched(f *fuel, _ any, args []any) (int, error) {
	n, err := f.tree(args[0])
	return 64 * n, err
}

// ofOrder is the cost of Bessel functions, which count up to their order.
func ofOrder(_ *fuel, _ any, args []any) (int, error) {
	n, _ := gojq.ToFloat64(args[0])
	return int(min(math.Abs(n), math.MaxInt32)) * bytesPerStep, nil
}

// ofFormat is the cost of a format of strftime, which may pad to 1,024 characters.
func ofFormat(_ *fuel, _ any, args []any) (int, error) { return 200 * flat(args[0]), nil }

// numeralText refuses what would take long to become a number.
func numeralText(_ *fuel, v any, _ []any) (int, error) {
	if s, ok := v.(string); ok && digitsIn(s) > MaxDigits {
		return 0, errNumber
	}
	return flat(v), nil
}

// alongPath is the cost of following a path into v, or of copying all that stands along it.
func alongPath(_ *fuel, v any, args []any) (int, error) { return pathCost(v, args[0]) }

func pathCost(v, path any) (int, error) {
	steps, _ := path.([]any)
	if len(steps) > MaxPath {
		return 0, errLongPath
	}
	n := elemBytes * len(steps)
	for _, step := range steps {
		n += flat(v)
		switch step := step.(type) {
		case string:
			object, _ := v.(map[string]any)
			v = object[step]
			n += len(step)
		case []any:
			return 0, errArrayIndex
		case map[string]any:
			// a slice, which is looked at or copied as a whole
		default:
			i, _ := gojq.ToInt(step)
			list, _ := v.([]any)
			if i < 0 {
				i += len(list)
			}
			if v = nil; i >= 0 && i < len(list) {
				v = list[i]
			} else {
				n += product(elemBytes, min(max(i, 0), math.MaxInt32))
			}
		}
	}
	return n, nil
}

var errArrayIndex = failedf("an array is not taken as an index; use indices")

// deleted is the cost of delpaths, which sorts the paths, and walks all that is left.
func deleted(f *fuel, v any, args []any) (int, error) {
	paths, _ := args[0].([]any)
	if len(paths) == 0 {
		return 0, nil
	}
	n, err := sorted(f, args[0])
	if err != nil {
		return 0, err
	}
	size, err := f.tree(v)
	if err != nil {
		return 0, err
	}
	for _, p := range paths {
		list, _ := p.([]any)
		if len(list) > MaxPath {
			return 0, errLongPath
		}
	}
	return n + 2*size, nil
}

// aPath is the cost of a path that path made.
func aPath(_ *fuel, v any, _ []any) (int, error) {
	list, _ := v.([]any)
	if len(list) > MaxPath {
		return 0, errLongPath
	}
	return flat(v), nil
}

// aKey refuses an array as an index, for which gojq compares all places of what it indexes.
func aKey(_ *fuel, v any, _ []any) (int, error) {
	if _, ok := v.([]any); ok {
		return 0, errArrayIndex
	}
	return 0, nil
}

// indexed is the cost of a look into v by number: gojq counts the characters of a string.
func indexed(_ *fuel, v any, _ []any) (int, error) {
	s, _ := v.(string)
	return len(s), nil
}

// part is the cost of a part of a string with as many parts as the argument says, each of which is copied once for each behind it.
func part(f *fuel, v any, args []any) (int, error) {
	n, err := f.tree(v)
	return n * (4 + args[0].(int)), err
}

func exploded(_ *fuel, v any, _ []any) (int, error) {
	s, _ := v.(string)
	return len(s) + runeBytes*utf8.RuneCountInString(s), nil
}

// The operators.

func (f *fuel) mayAdd(l, r any) error {
	if bitLen(l) > maxBits || bitLen(r) > maxBits {
		return f.refuse(errNumber)
	}
	return f.pay(flat(l) + flat(r))
}

func (f *fuel) maySubtract(l, r any) error {
	if bitLen(l) > maxBits || bitLen(r) > maxBits {
		return f.refuse(errNumber)
	}
	bytes, err := pairs(f, l, []any{r})
	if err != nil {
		return f.refuse(err)
	}
	return f.pay(bytes)
}

func (f *fuel) mayMultiply(l, r any) error {
	if bitLen(l)+bitLen(r) > maxBits {
		return f.refuse(errNumber)
	}
	s, isText := l.(string)
	n := r
	if !isText {
		s, isText = r.(string)
		n = l
	}
	if times, isNumber := gojq.ToFloat64(n); isText && isNumber {
		if bytes := float64(len(s)) * max(times, 0); bytes < math.MaxInt32 {
			return f.pay(int(bytes))
		}
		return errTooLarge // like gojq, whose own limit this is, as an error that the program may catch
	}
	bytes, err := bothTrees(f, l, r)
	if err != nil {
		return f.refuse(err)
	}
	return f.pay(bytes)
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
