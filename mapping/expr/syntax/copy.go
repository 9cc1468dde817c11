package syntax

import (
	"reflect"

	"github.com/itchyny/gojq"
)

// Copy gives a tree that shares nothing with q, so that either may be changed in place.
func Copy(q *gojq.Query) *gojq.Query { return deepCopy(reflect.ValueOf(q)).Interface().(*gojq.Query) }

// CopyDef is Copy for a definition.
func CopyDef(def *gojq.FuncDef) *gojq.FuncDef {
	return deepCopy(reflect.ValueOf(def)).Interface().(*gojq.FuncDef)
}

// deepCopy copies what gojq's trees are made of: pointers, structs, slices, and values of basic types.
func deepCopy(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(deepCopy(v.Elem()))
		}
	case reflect.Slice:
		if !v.IsNil() {
			out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				out.Index(i).Set(deepCopy(v.Index(i)))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			out.Field(i).Set(deepCopy(v.Field(i)))
		}
	default:
		out.Set(v)
	}
	return out
}
