package yamltree

import (
	"cmp"
	"fmt"
	"reflect"
	"strconv"
	"time"
)

// A rower has rows of its own, because it reads itself.
type rower interface{ Rows() []Row }

// Rows are the rows of a value that Decode decodes into, with what stands in it for the defaults.
func Rows(of any) []Row { return rowsOf(reflect.ValueOf(of)) }

func rowsOf(v reflect.Value) (rows []Row) {
	v = addressable(v)
	if own, ok := v.Addr().Interface().(rower); ok {
		return own.Rows()
	}
	if own, ok := v.Addr().Interface().(unmarshaler); ok { // it is read over its defaults
		_ = own.UnmarshalYAML(func(any) error { return nil })
	}
	if v.Kind() != reflect.Struct {
		return nil
	}
	for i := range v.NumField() {
		switch key, inline := tagOf(v.Type().Field(i)); {
		case inline:
			rows = append(rows, rowsOf(v.Field(i))...)
		case key != "-":
			rows = append(rows, rowOf(key, v.Field(i)))
		}
	}
	return rows
}

// Described are rows with what a table says of their paths, such as source.kafka.brokers: what they mean, their units,
// choices and examples. What the table leaves empty is taken from the rows.
func Described(rows []Row, under string, of func(path string) Row) []Row {
	out := make([]Row, len(rows))
	for i, row := range rows {
		path := row.Key
		if under != "" {
			path = under + "." + row.Key
		}
		out[i] = of(path).over(row)
		if inside := row.Inside; inside != nil {
			out[i].Inside = func() []Row { return Described(inside(), path, of) }
		}
	}
	return out
}

// rowOf is what a field's type and value tell of its key.
func rowOf(key string, v reflect.Value) Row {
	row := Row{Key: key}
	_, itself := addressable(v).Addr().Interface().(rower)
	if v.Kind() == reflect.Slice && !itself {
		row.Many = ListOf
		if v.Type().Elem().Kind() == reflect.String {
			row.Many = OneOrMany
		}
		v = reflect.New(v.Type().Elem()).Elem()
	}
	v = addressable(v)
	_, secret := v.Addr().Interface().(taker)
	if !itself {
		_, itself = v.Addr().Interface().(rower)
	}
	switch kind := v.Kind(); {
	case secret:
		row.Form = SecretRef
	case itself:
		// a map of names that becomes a list has each value decoded as any other
		row.Form, row.Strict = InnerMap, v.Kind() != reflect.Slice
		if _, text := v.Addr().Interface().(texter); text {
			row.Form = TextOrMap
		}
		row.Inside = func() []Row { return rowsOf(v) }
	case v.Type() == reflect.TypeFor[time.Duration]():
		row.Form = InDuration
	case kind == reflect.Struct:
		row.Form = InnerMap
		row.Inside = func() []Row { return rowsOf(v) }
	case kind == reflect.Map: // of any keys
		row.Form = InnerMap
		row.Inside = func() []Row { return []Row{rowOf("", reflect.New(v.Type().Elem()).Elem())} }
	case kind == reflect.Slice: // a list of lists, of which each may be one value
		row.Form = InText
	default:
		row.Form = scalarForms[kind]
	}
	if v.IsValid() && !v.IsZero() && row.Inside == nil {
		row.Default = written(v)
	}
	return row
}

var scalarForms = map[reflect.Kind]Form{
	reflect.String: InText, reflect.Bool: InBool, reflect.Int: InWhole, reflect.Int64: InWhole,
	reflect.Float64: InNumber,
}

func written(v reflect.Value) string {
	if v.Kind() == reflect.Float64 {
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	}
	if d, ok := v.Interface().(time.Duration); ok && d%time.Hour == 0 {
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprint(v.Interface())
}

// addressable is a copy of a value that its methods can be asked of; of a pointer it is what that would point to.
func addressable(v reflect.Value) reflect.Value {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v = reflect.New(v.Type().Elem())
		}
		v = v.Elem()
	}
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	return out
}

// over is a row with what another says of what it leaves empty.
func (r Row) over(below Row) Row {
	if r.Form != "" {
		below.Form = r.Form
	}
	if r.Choices != nil {
		below.Choices = r.Choices
	}
	below.Many = max(r.Many, below.Many)
	below.Required = below.Required || r.Required
	below.Default, below.Unit = cmp.Or(r.Default, below.Default), cmp.Or(r.Unit, below.Unit)
	below.Meaning, below.Example = cmp.Or(r.Meaning, below.Meaning), cmp.Or(r.Example, below.Example)
	return below
}
