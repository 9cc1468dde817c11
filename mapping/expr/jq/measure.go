package jq

import (
	"encoding/json"
	"math/big"

	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/expr/limits"
)

// What the functions of gojq cost, as the bytes that they read and make. A value costs 8 bytes and its text; what is
// made of an array costs its memory.
const (
	nodeBytes  = 8
	elemBytes  = 16   // of an array
	entryBytes = 64   // of an object: hashing, copying and sorting its key
	runeBytes  = 24   // of an array of code points
	pieceBytes = 48   // of an array of strings
	maxNesting = 1000 // levels of a value that is walked

	// maxBits bounds an integer. One that is still text has digits, a sign, a point and an exponent.
	maxBits = (document.MaxDigits + 8) * 10 / 3
)

var (
	errDeep     = &limits.EvalError{Kind: limits.TooMuch, Reason: "made a value of more than 1,000 levels"}
	errLongPath = &limits.EvalError{Kind: limits.TooMuch, Reason: "used a path of more than 1,000 steps"}
	errNumber   = &limits.EvalError{Kind: limits.TooMuch, Reason: "made a number of more than 1,000 digits"}
)

// cost is what a call of a function with the input v costs, or why it must not be called.
type cost func(f *limits.Fuel, v any, args []any) (bytes int, err error)

// charge makes of a cost a function that hands its input on, or fails.
func charge(f *limits.Fuel, c cost) func(any, []any) any {
	return func(v any, args []any) any {
		bytes, err := c(f, v, args)
		if err == nil {
			err = f.Pay(bytes)
		} else {
			err = f.Fail(err)
		}
		if err != nil {
			return err
		}
		return v
	}
}

// tree is the size of all of v. Parts that v shares count every time; it stops counting once the run cannot pay for
// more.
func tree(f *limits.Fuel, v any) (int, error) {
	w := walker{left: f.Left()}
	if w.walk(v, 0); w.deep {
		return 0, errDeep
	}
	return f.Left() - w.left, nil
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
