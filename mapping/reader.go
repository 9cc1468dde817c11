package mapping

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/ciobridge/ciobridge/internal/yamlscan"
)

// reader takes YAML apart and keeps going after a mistake, so that one run names them all.
type reader struct {
	mistakes
	file string
}

// ParseRules reads a rule file. Name is what errors call it. It reports every mistake in the file's form, each with its line
// and the path of the field; what the expressions say is checked by Compile.
func ParseRules(name string, data []byte) (file RuleFile, err error) {
	r := &reader{file: name}
	defer func() { err = r.unread(err) }()
	defer yamlscan.Recover(&err)
	data = yamlscan.WithoutMark(data)
	if err := yamlscan.Check(data); err != nil {
		return file, err
	}
	tree, err := parser.ParseBytes(data, 0)
	if err != nil {
		return file, r.syntax(err, data)
	}
	docs := slices.DeleteFunc(tree.Docs, func(d *ast.DocumentNode) bool { return d.Body == nil })
	switch {
	case len(docs) == 0:
		return file, fmt.Errorf("%s: is empty; want the key rules", name)
	case len(docs) > 1:
		return file, fmt.Errorf("%s:%d: a rule file is one YAML document; split it", name, line(docs[1].Body))
	}
	r.fields(docs[0].Body, "", fields{
		"rules": func(n ast.Node, at string) {
			if file.Rules = list(r, n, at, r.rule); len(file.Rules) == 0 && len(r.errs) == 0 {
				r.fail(n, at, "the list is empty: write a rule, or leave the key out where the file has only tests")
			}
		},
		"tests": func(n ast.Node, at string) { file.Tests = list(r, n, at, r.test) },
	})
	if len(r.errs) == 0 && len(file.Rules)+len(file.Tests) == 0 {
		r.fail(docs[0].Body, "", "holds no rule and no test")
	}
	return file, r.err()
}

// unread puts the file's place before an error of a text that was not taken apart.
func (r *reader) unread(err error) error {
	var e *yamlscan.Error
	if errors.As(err, &e) {
		return fmt.Errorf("%s%s", place(r.file, e.Line), e.Message)
	}
	return err
}

// syntax words an error of the YAML parser, with a hint where the line seems to hold an expression.
func (r *reader) syntax(err error, data []byte) error {
	var e yaml.Error
	if !errors.As(err, &e) || e.GetToken() == nil {
		return fmt.Errorf("%s: %w", r.file, err)
	}
	hint := ""
	at := e.GetToken().Position.Line
	if lines := strings.Split(string(data), "\n"); at <= len(lines) && holdsExpression(lines[at-1]) {
		hint = "; quote this expression"
	}
	return fmt.Errorf("%s%s%s", place(r.file, at), e.GetMessage(), hint)
}

func (r *reader) fail(n ast.Node, at, format string, args ...any) {
	if at != "" {
		at += ": "
	}
	r.add("%s%s%s", place(r.file, line(n)), at, fmt.Sprintf(format, args...))
}

// written is what somebody wrote, for an error that quotes it. Of what stands in the configuration itself nothing is quoted: a secret may
// stand there by mistake. Rule files are apart from those.
func (r *reader) written(text string) string {
	if r.file == "" {
		return "…"
	}
	return text
}

func line(n ast.Node) int {
	if n == nil || n.GetToken() == nil {
		return 0
	}
	return n.GetToken().Position.Line
}

// fields says how each key of a map is read.
type fields map[string]func(n ast.Node, at string)

func (r *reader) fields(node ast.Node, at string, known fields) {
	r.entries(node, at, func(key string, keyNode, value ast.Node) {
		read, ok := known[key]
		switch {
		case ok:
			read(value, join(at, key))
		case isProgram(key):
			r.fail(keyNode, at, "%s is not a key: it looks like a part of an expression that YAML cut; quote this expression", r.written(strconv.Quote(key)))
		default:
			near, named := suggest(key, slices.Collect(maps.Keys(known))), "no such key"
			if near != "" || r.file != "" { // what is near to a word of ours is one
				named = "no key " + strconv.Quote(key)
			}
			r.fail(keyNode, at, "%s here%s; want %s", named, near, orList(slices.Sorted(maps.Keys(known))))
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
		r.fail(node, at, "the key %s is not a string for every YAML parser: quote it", r.written(strings.TrimSpace(node.String())))
		return "", false
	}
	if isPlain(s) && retyped(s.Value) {
		r.fail(node, at, "some YAML parsers take the key %s for something other than a string: quote it", r.written(s.Value))
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
