package ruletest

import (
	"slices"
	"strings"
)

// masks are the places of calls whose values vary. What stands there is compared as if it were always the same: it has
// to be there, whatever it is.
type masks [][]string

// masked stands for a value that varies.
const masked = "***"

// newMasks reads paths such as data.order_id, attributes.* and relationships.*.object.id, in which * is any member and
// any element of a list.
func newMasks(paths ...[]string) (all masks) {
	for _, path := range slices.Concat(paths...) {
		all = append(all, strings.Split(path, "."))
	}
	return all
}

// Mask reports whether a path can be one of a mask.
func Mask(path string) bool { return path != "" && !slices.Contains(strings.Split(path, "."), "") }

// match reports whether a path is one of the masks.
func (m masks) match(path []string) bool {
	return slices.ContainsFunc(m, func(mask []string) bool {
		return slices.EqualFunc(mask, path, func(want, name string) bool { return want == "*" || want == name })
	})
}

// apply puts the mask in place of values that vary, within v itself.
func (m masks) apply(v any) any {
	if len(m) == 0 {
		return v
	}
	return m.within(v, nil)
}

func (m masks) within(v any, path []string) any {
	if v != nil && len(path) > 0 && m.match(path) {
		return masked
	}
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			v[name] = m.within(inner, append(path, name))
		}
	case []any:
		for i, inner := range v {
			v[i] = m.within(inner, append(path, "*"))
		}
	}
	return v
}
