package jq

import (
	"maps"
	"math"
	"reflect"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/mapping/expr/limits"
)

// changes are those of one assignment, such as .items[].qty *= 2. Each array and object on the way to what is
// assigned to is copied once, and paid for then; gojq's own assignment does the same, without asking.
type changes struct {
	fuel *limits.Fuel
	// the copies, which nobody else has seen; kept, so that nothing else comes to lie in the place of one
	own  map[uintptr]any
	gone []any // paths that are to be deleted
}

func (m *machine) newChanges(any, []any) any {
	return &changes{fuel: &m.fuel, own: map[uintptr]any{}}
}

// set gives v with another value at a path.
func (m *machine) set(v any, args []any) any {
	c, path, with := args[0].(*changes), args[1], args[2]
	steps, ok := path.([]any)
	if !ok || len(steps) > limits.MaxPath {
		return c.fuel.Fail(errLongPath)
	}
	out, ok := c.update(v, steps, with)
	if !ok {
		if c.fuel.Failed() != nil {
			return c.fuel.Failed()
		}
		out, _ = setpathCode.Run(nil, v, path, with).Next() // gojq's own error
	}
	return out
}

var setpathCode = compiled("$v | setpath($p; $w)", "$v", "$p", "$w")

// get gives the value at a path to the right side of an assignment. What the right side has seen is no longer changed
// in place.
func (m *machine) get(v any, args []any) any {
	c := args[0].(*changes)
	steps, ok := args[1].([]any)
	if !ok || len(steps) > limits.MaxPath {
		return c.fuel.Fail(errLongPath)
	}
	for _, step := range steps {
		if v = c.child(v, step); isError(v) {
			return v
		}
	}
	if c.owns(v) {
		clear(c.own)
	}
	return v
}

var getpathCode = compiled("$v | getpath([$p])", "$v", "$p")

// child takes one step.
func (c *changes) child(v, step any) any {
	if object, ok := v.(map[string]any); ok {
		if key, ok := step.(string); ok {
			return object[key]
		}
	}
	if list, ok := v.([]any); ok {
		if i, ok := step.(int); ok && i >= 0 {
			if i < len(list) {
				return list[i]
			}
			return nil
		}
	}
	if _, ok := step.([]any); ok {
		return c.fuel.Fail(errArrayIndex)
	}
	if s, ok := v.(string); ok && c.fuel.Pay(len(s)) != nil {
		return c.fuel.Failed()
	}
	out, _ := getpathCode.Run(nil, v, step).Next()
	return out
}

func isError(v any) bool {
	_, ok := v.(error)
	return ok
}

// without notes a path at which the right side gave nothing.
func (m *machine) without(v any, args []any) any {
	c := args[0].(*changes)
	if err := c.fuel.Pay(elemBytes); err != nil {
		return err
	}
	c.gone = append(c.gone, args[1])
	return v
}

// removed gives the paths that were noted.
func (m *machine) removed(_ any, args []any) any { return args[0].(*changes).gone }

func (c *changes) owns(v any) bool {
	switch v.(type) {
	case []any, map[string]any:
		_, ok := c.own[reflect.ValueOf(v).Pointer()]
		return ok
	}
	return false
}

// update is v with another value at a path, like gojq's setpath; ok is false where that fails or cannot be paid for.
func (c *changes) update(v any, path []any, with any) (out any, ok bool) {
	if len(path) == 0 {
		return with, true
	}
	switch step := path[0].(type) {
	case string:
		object, ok := v.(map[string]any)
		if !ok && v != nil {
			return nil, false
		}
		return c.updateObject(object, step, path[1:], with)
	case map[string]any:
		list, ok := v.([]any)
		if !ok && v != nil {
			return nil, false
		}
		return c.updateSlice(list, step, path[1:], with)
	}
	i, ok := gojq.ToInt(path[0])
	list, isList := v.([]any)
	if !ok || !isList && v != nil {
		return nil, false
	}
	return c.updateArray(list, i, path[1:], with)
}

func (c *changes) updateObject(v map[string]any, key string, path []any, with any) (any, bool) {
	u, ok := c.update(v[key], path, with)
	if !ok {
		return nil, false
	}
	if v == nil || !c.owns(v) {
		if c.fuel.Pay(entryBytes*(len(v)+1)) != nil {
			return nil, false
		}
		w := make(map[string]any, len(v)+1)
		maps.Copy(w, v)
		c.own[reflect.ValueOf(w).Pointer()] = w
		v = w
	}
	v[key] = u
	return v, true
}

func (c *changes) updateArray(v []any, i int, path []any, with any) (any, bool) {
	if i < 0 {
		if i += len(v); i < 0 {
			return nil, false
		}
	}
	var old any
	if i < len(v) {
		old = v[i]
	}
	if i >= len(v) && c.fuel.Pay(product(elemBytes, min(i, math.MaxInt32))) != nil {
		return nil, false
	}
	u, ok := c.update(old, path, with)
	if !ok {
		return nil, false
	}
	if !c.owns(v) || i >= len(v) {
		if v, ok = c.copyArray(v, max(len(v), i+1)); !ok {
			return nil, false
		}
	}
	v[i] = u
	return v, true
}

func (c *changes) copyArray(v []any, length int) ([]any, bool) {
	if c.fuel.Pay(elemBytes*length) != nil {
		return nil, false
	}
	w := make([]any, length)
	copy(w, v)
	if length > 0 {
		c.own[reflect.ValueOf(w).Pointer()] = w
	}
	return w, true
}

// updateSlice puts an array in the place of a part of one. Gojq computes which part that is.
func (c *changes) updateSlice(v []any, part map[string]any, path []any, with any) (any, bool) {
	if c.fuel.Pay(2*elemBytes*len(v)) != nil {
		return nil, false
	}
	old := any(nil)
	if v != nil {
		if old, _ = getpathCode.Run(nil, v, part).Next(); isError(old) {
			return nil, false
		}
	}
	u, ok := c.update(old, path, with)
	if !ok {
		return nil, false
	}
	list, isList := u.([]any)
	if !isList || c.fuel.Pay(elemBytes*len(list)) != nil {
		return nil, false
	}
	out, _ := setpathCode.Run(nil, v, []any{part}, u).Next()
	return out, !isError(out)
}
