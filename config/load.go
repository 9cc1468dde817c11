package config

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
)

// RuleFile is a file of rules with its path, or one of functions that all expressions may call, which has no rules.
type RuleFile struct {
	Path string
	rulefile.File
}

// isShared reports whether a file holds functions for all expressions, in jq and not in YAML.
func (f *RuleFile) isShared() bool { return filepath.Ext(f.Path) == ".jq" }

// AddTo adds the rules and functions of files to the configuration of a mapping.
func AddTo(m *mapping.Config, files []RuleFile) {
	for _, f := range files {
		m.Rules = append(m.Rules, f.Rules...)
		if f.isShared() {
			m.Define = append(m.Define, f.Define)
		}
	}
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

// Decode reads strict YAML: an unknown or a repeated key is a mistake. The error holds every mistake, and quotes
// neither a value nor a key, since a secret may stand there by mistake.
func Decode(name string, data []byte, into any) error { return yamltree.Unmarshal(name, data, into) }

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
	file := RuleFile{Path: path}
	if file.isShared() {
		file.Define = mapping.Definitions{Source: string(data), Pos: mapping.Position{File: path, Line: 1}}
		return file, nil
	}
	file.File, err = rulefile.Parse(path, data)
	return file, err
}
