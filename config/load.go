package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/token"

	"github.com/ciobridge/ciobridge/internal/yamlscan"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
	"github.com/ciobridge/ciobridge/secret"
)

// RuleFile is a file of rules with its path.
type RuleFile struct {
	Path string
	rulefile.File
}

// Load reads a configuration file and the rule files that it names. Every mistake is reported with its place; a
// secret is only read when it is used. Paths in the file are relative to the file itself, except those of secrets and
// data, which are relative to the working directory. Beside an error the configuration is as far as it could be read.
func Load(path string) (Config, error) {
	data, err := ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("read the configuration: %w", err)
	}
	c, err := Parse(path, data)
	if err != nil {
		return Config{}, err
	}
	c.Files, err = RuleFiles(filepath.Dir(path), c.RulesFrom)
	if err != nil {
		return c, err
	}
	return c, c.Validate()
}

// Parse reads a configuration from its text, without its rule files and without checking what it means.
func Parse(name string, data []byte) (Config, error) {
	c := Default()
	err := Decode(name, data, &c)
	return c, err
}

// Decode reads strict YAML: an unknown or a repeated key is an error that says where.
func Decode(name string, data []byte, into any) (err error) {
	defer func() { err = unread(name, err) }()
	defer yamlscan.Recover(&err)
	data = yamlscan.WithoutMark(data)
	if err := yamlscan.Check(data); err != nil {
		return err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict())
	if err := decoder.Decode(into); err != nil {
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%s: is empty", name)
		}
		return fmt.Errorf("%s: %w", name, &SyntaxError{err, misreadDuration(data, into)})
	}
	var more any
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: holds more than one YAML document; write one", name)
	}
	return nil
}

// unread puts the file's place before an error of a text that was not taken apart.
func unread(name string, err error) error {
	var e *yamlscan.Error
	if !errors.As(err, &e) {
		return err
	}
	if e.Line == 0 {
		return fmt.Errorf("%s: %w", name, e)
	}
	return fmt.Errorf("%s: [%d:%d] %s", name, e.Line, e.Column, e.Message)
}

// SyntaxError is a mistake in the YAML itself. Its text tells the place and quotes nothing, neither a value nor a
// key, since a secret may stand there by mistake.
type SyntaxError struct {
	err      error
	duration *token.Position // of a duration that cannot be read, which the error of it does not tell
}

func (e *SyntaxError) Error() string {
	var wrong *yaml.TypeError
	var unknown *yaml.UnknownFieldError
	var twice *yaml.DuplicateKeyError
	var placed yaml.Error
	if !errors.As(e.err, &placed) {
		if joined := (interface{ Unwrap() []error })(nil); errors.As(e.err, &joined) ||
			errors.Is(e.err, secret.ErrInline) {
			return e.err.Error() // of a section that reads itself, in our words
		}
		const message = "a value is not of its field's kind: a duration has a unit, such as 30s"
		if e.duration != nil {
			return fmt.Sprintf("[%d:%d] %s", e.duration.Line, e.duration.Column, message)
		}
		return message
	}
	message := placed.GetMessage()
	if strings.Contains(message, `"`) {
		message = "is no YAML: look for a key that is there twice, for a quote, a bracket " +
			"or a colon that is missing, and at the indentation"
	}
	switch {
	case errors.As(e.err, &wrong):
		message = fmt.Sprintf("want %s, found %s", wanted(wrong.DstType), found(wrong.SrcType))
	case errors.As(e.err, &unknown):
		message = "there is no such key here: look at its spelling and its indentation"
	case errors.As(e.err, &twice):
		message = "the key is there twice"
	}
	if t := placed.GetToken(); t != nil && t.Position != nil {
		return fmt.Sprintf("[%d:%d] %s", t.Position.Line, t.Position.Column, message)
	}
	return message
}

// Unwrap returns the parser's error.
func (e *SyntaxError) Unwrap() error { return e.err }

// wanted says in the words of YAML what a field takes.
func wanted(t reflect.Type) string {
	if t == reflect.TypeFor[time.Duration]() {
		return "a duration such as 30s"
	}
	if t.Kind() == reflect.String {
		return "a text, in quotes if it has a colon"
	}
	return found(t)
}

// found says in the words of YAML what stands there.
func found(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Map, reflect.Struct:
		return "a map"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.String:
		return "a text"
	case reflect.Float32, reflect.Float64:
		return "a number"
	}
	return "a whole number"
}

// RuleFiles reads the rule files that paths and globs name, in that order and each glob's files by name. A glob that
// matches nothing is an error: a rollout that forgets the rules would otherwise skip every event.
func RuleFiles(dir string, patterns []string) ([]RuleFile, error) {
	var files []RuleFile
	var errs []error
	seen := map[string]bool{}
	for i, pattern := range patterns {
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(dir, pattern)
		}
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			errs = append(errs, fmt.Errorf("rules_from[%d]: no file matches; a path is relative to the "+
				"configuration file", i))
		}
		for _, path := range paths {
			if seen[path] {
				continue
			}
			seen[path] = true
			file, err := readRules(path)
			errs = append(errs, err)
			files = append(files, file)
		}
	}
	return files, errors.Join(errs...)
}

func readRules(path string) (RuleFile, error) {
	data, err := ReadFile(path)
	if err != nil {
		return RuleFile{}, fmt.Errorf("read rules: %w", err)
	}
	rules, err := rulefile.Parse(path, data)
	return RuleFile{Path: path, File: rules}, err
}
