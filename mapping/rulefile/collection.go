package rulefile

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/ciobridge/ciobridge/internal/choice"
)

// fields says how each key of a map is read.
type fields map[string]func(n ast.Node, at string)

func (r *reader) fields(node ast.Node, at string, known fields) {
	r.entries(node, at, func(key string, keyNode, value ast.Node) {
		read, ok := known[key]
		switch {
		case ok:
			read(value, join(at, key))
		case isProgram(key):
			r.fail(keyNode, at, "%s is not a key: it looks like a part of an expression that YAML cut; quote this "+
				"expression", r.written(strconv.Quote(key)))
		default:
			near, named := choice.Near(key, slices.Collect(maps.Keys(known))), "no such key"
			if near != "" || r.file != "" { // what is near to a word of ours is one
				named = "no key " + strconv.Quote(key)
			}
			r.fail(keyNode, at, "%s here%s; want %s", named, near, choice.List(slices.Sorted(maps.Keys(known))))
		}
	})
}

// entries visits the keys of a map in order.
func (r *reader) entries(node ast.Node, at string, visit func(key string, keyNode, value ast.Node)) {
	m, ok := node.(ast.MapNode)
	if !ok {
		r.fail(node, at, "want a map, found %s", describe(node))
		return
	}
	seen := map[string]bool{}
	for entries := m.MapRange(); entries.Next(); {
		key, ok := r.key(entries.Key(), at)
		if !ok {
			continue
		}
		if seen[key] {
			r.fail(entries.Key(), at, "the key %s is there twice", r.written(strconv.Quote(key)))
		}
		seen[key] = true
		visit(key, entries.Key(), entries.Value())
	}
}

// key reads a key that every YAML parser takes for the same string.
func (r *reader) key(node ast.MapKeyNode, at string) (string, bool) {
	s, ok := node.(*ast.StringNode)
	if !ok {
		r.fail(node, at, "the key %s is not a string for every YAML parser: quote it",
			r.written(strings.TrimSpace(node.String())))
		return "", false
	}
	if isPlain(s) && retyped(s.Value) {
		r.fail(node, at, "some YAML parsers take the key %s for something other than a string: quote it",
			r.written(s.Value))
		return "", false
	}
	return s.Value, true
}

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

// list reads every element of a sequence.
func list[T any](r *reader, node ast.Node, at string, read func(ast.Node, string) T) []T {
	seq, ok := node.(*ast.SequenceNode)
	if !ok {
		r.fail(node, at, "want a list, found %s", describe(node))
		return nil
	}
	out := make([]T, 0, len(seq.Values))
	for i, n := range seq.Values {
		out = append(out, read(n, fmt.Sprintf("%s[%d]", at, i)))
	}
	return out
}

// oneOrList reads a single element, or every element of a sequence.
func oneOrList[T any](r *reader, node ast.Node, at string, read func(ast.Node, string) T) []T {
	if _, ok := node.(*ast.SequenceNode); ok {
		return list(r, node, at, read)
	}
	return []T{read(node, at)}
}
