package yamltree

import (
	"reflect"
	"slices"

	"github.com/ciobridge/ciobridge/internal/mistake"
)

// Hide cuts the paths of mistakes before the first key that into has no field for: a secret may stand there in place of
// one.
func Hide(err error, into any) error {
	var l mistake.List
	for _, m := range mistake.All(err) {
		hidden := *m
		hidden.Path = known(reflect.TypeOf(into), m.Path)
		l.Join(&hidden)
	}
	return l.Err()
}

// known is the beginning of a path that a type has fields for.
func known(t reflect.Type, path string) (prefix string) {
	for rest := path; rest != ""; {
		m := segmentPattern.FindStringSubmatch(rest)
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		switch {
		case m == nil || reflect.PointerTo(t).Implements(reflect.TypeFor[Reader]()):
			return prefix
		case m[1] == "" && t.Kind() == reflect.Slice:
			t = t.Elem()
		case m[1] != "" && t.Kind() == reflect.Struct:
			inner, ok := typeOf(t, m[1])
			if !ok {
				return prefix
			}
			t = inner
		default:
			return prefix
		}
		prefix, rest = prefix+m[0], rest[len(m[0]):]
	}
	return prefix
}

// typeOf is the type of the field that a key stands for.
func typeOf(t reflect.Type, key string) (reflect.Type, bool) {
	for _, f := range slices.Collect(t.Fields()) {
		name, inline := tagOf(f)
		if inline {
			if found, ok := typeOf(f.Type, key); ok {
				return found, true
			}
		} else if name == key && name != "-" {
			return f.Type, true
		}
	}
	return nil, false
}
