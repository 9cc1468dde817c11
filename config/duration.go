package config

import (
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// misreadDuration finds the first duration that cannot be read in a text that is decoded into a value. The decoder
// does not tell where it stands. It is nil if there is none.
func misreadDuration(data []byte, into any) *token.Position {
	file, err := parser.ParseBytes(data, 0)
	if err != nil || len(file.Docs) == 0 {
		return nil
	}
	return durationIn(file.Docs[0].Body, reflect.TypeOf(into))
}

// durationIn looks in a node that is decoded into a type. Maps are followed by the fields of the type; nothing that has
// durations stands in a list.
func durationIn(node ast.Node, t reflect.Type) *token.Position {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[time.Duration]() {
		text, ok := node.(*ast.StringNode)
		if !ok {
			return nil
		}
		if _, err := time.ParseDuration(text.Value); err == nil {
			return nil
		}
		return text.GetToken().Position
	}
	entries, ok := node.(ast.MapNode)
	if !ok || t.Kind() != reflect.Struct {
		return nil
	}
	for entry := entries.MapRange(); entry.Next(); {
		key, ok := entry.Key().(*ast.StringNode)
		if !ok {
			continue
		}
		if field, ok := fieldOf(t, key.Value); ok {
			if at := durationIn(entry.Value(), field); at != nil {
				return at
			}
		}
	}
	return nil
}

// fieldOf is the type of the field that a key stands for.
func fieldOf(t reflect.Type, key string) (reflect.Type, bool) {
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if options == "inline" {
			if found, ok := fieldOf(f.Type, key); ok {
				return found, true
			}
		} else if name == key {
			return f.Type, true
		}
	}
	return nil, false
}
