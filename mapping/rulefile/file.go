package rulefile

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/ciobridge/ciobridge/internal/yamlscan"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/ruletest"
)

// File is a file of rules and of the tests that prove them.
type File struct {
	Rules []mapping.Rule
	Tests []ruletest.Test
}

// Parse reads a rule file. Name is what errors call it. It reports every mistake in the file's form, each with its line
// and the path of the field; what the expressions say is checked by mapping.Compile.
func Parse(name string, data []byte) (file File, err error) {
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
		return fmt.Errorf("%s%s", mapping.At(r.file, e.Line).Prefix(), e.Message)
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
	return fmt.Errorf("%s%s%s", mapping.At(r.file, at).Prefix(), e.GetMessage(), hint)
}
