package jq

import (
	"reflect"
	"strings"

	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// describe says what kind of jq error err is and the kinds of the values it met. Gojq exports neither, and its text
// quotes the values, so the names come from the error's type.
func describe(err error) string {
	v := reflect.ValueOf(err)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return "a jq error"
	}
	v = v.Elem()
	what := jqErrors[v.Type().Name()]
	if what == "" {
		what = "a jq error"
	}
	if name := v.FieldByName("name"); name.Kind() == reflect.String {
		what = strings.ReplaceAll(what, "%", name.String())
	}
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Interface && f.Type().NumMethod() == 0 {
			if what += ", "; !strings.Contains(what, "; met ") {
				what = strings.TrimSuffix(what, ", ") + "; met "
			}
			what += document.Article(kindOfAny(f))
		}
	}
	return what
}

// functionOf is the name of the function that failed, as far as the error tells it.
func functionOf(err error) string {
	v := reflect.ValueOf(err)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return ""
	}
	if name := v.Elem().FieldByName("name"); name.Kind() == reflect.String {
		return name.String()
	}
	return ""
}

var jqErrors = map[string]string{
	"expectedObjectError":       "only an object has keys",
	"expectedArrayError":        "only an array has elements",
	"iteratorError":             "[] needs an array or an object",
	"arrayIndexNegativeError":   "an array index is out of range",
	"arrayIndexTooLargeError":   "an array index is too large",
	"objectKeyNotStringError":   "a key must be a string",
	"arrayIndexNotNumberError":  "an array index must be a number",
	"stringIndexNotNumberError": "a string index must be a number",
	"func0TypeError":            "% does not take this",
	"func1TypeError":            "% does not take these",
	"func2TypeError":            "% does not take these",
	"func0WrapError":            "% does not take this",
	"func1WrapError":            "% does not take these",
	"func2WrapError":            "% does not take these",
	"unaryTypeError":            "cannot %",
	"binopTypeError":            "cannot %",
	"zeroDivisionError":         "division by zero",
	"zeroModuloError":           "division by zero",
	"formatRowError":            "a format does not take this",
	"timeArrayError":            "not a broken down time",
	"repeatStringTooLargeError": "a string would become too large",
}

// kindOfAny is the JSON kind of a value in an unexported field, which reflection may look at but not take out.
func kindOfAny(f reflect.Value) document.Kind {
	if f.IsNil() {
		return document.Null
	}
	switch e := f.Elem(); e.Kind() {
	case reflect.Bool:
		return document.False
	case reflect.Map:
		return document.Object
	case reflect.Slice:
		return document.Array
	case reflect.String:
		if e.Type().Name() == "Number" {
			return document.Number
		}
		return document.String
	}
	return document.Number
}
