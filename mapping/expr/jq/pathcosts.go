package jq

import (
	"math"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/mapping/expr/limits"
)

// alongPath is the cost of following a path into v, or of copying all that stands along it.
func alongPath(_ *limits.Fuel, v any, args []any) (int, error) { return pathCost(v, args[0]) }

func pathCost(v, path any) (int, error) {
	steps, _ := path.([]any)
	if len(steps) > limits.MaxPath {
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

var errArrayIndex = limits.Failedf("an array is not taken as an index; use indices")

// deleted is the cost of delpaths, which sorts the paths, and walks all that is left.
func deleted(f *limits.Fuel, v any, args []any) (int, error) {
	paths, _ := args[0].([]any)
	if len(paths) == 0 {
		return 0, nil
	}
	n, err := sorted(f, args[0])
	if err != nil {
		return 0, err
	}
	size, err := tree(f, v)
	if err != nil {
		return 0, err
	}
	for _, p := range paths {
		list, _ := p.([]any)
		if len(list) > limits.MaxPath {
			return 0, errLongPath
		}
	}
	return n + 2*size, nil
}

// aPath is the cost of a path that path made.
func aPath(_ *limits.Fuel, v any, _ []any) (int, error) {
	list, _ := v.([]any)
	if len(list) > limits.MaxPath {
		return 0, errLongPath
	}
	return flat(v), nil
}

// aKey refuses an array as an index, for which gojq compares all places of what it indexes.
func aKey(_ *limits.Fuel, v any, _ []any) (int, error) {
	if _, ok := v.([]any); ok {
		return 0, errArrayIndex
	}
	return 0, nil
}
