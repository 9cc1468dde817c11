package config

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
)

// RuleFile is a file of rules with its path, or one of functions that all expressions may call, which has no rules.
type RuleFile struct {
	Path string
	rulefile.File
	// Err holds the mistakes in its form.
	Err error
}

// isShared reports whether a file holds functions for all expressions, in jq and not in YAML.
func (f *RuleFile) isShared() bool { return filepath.Ext(f.Path) == ".jq" }

// addTo adds the rules and functions of files to the configuration of a mapping.
func addTo(m *mapping.Config, files []RuleFile) {
	for _, f := range files {
		m.Rules = append(m.Rules, f.Rules...)
		if f.isShared() {
			m.Define = append(m.Define, f.Define)
		}
	}
}

// RuleFiles reads the rule files that paths and globs name, in that order and each glob's files by name. A glob that
// matches nothing is an error: a rollout that forgets the rules would otherwise skip every event.
func RuleFiles(dir string, patterns []string) ([]RuleFile, error) {
	var all []pattern
	for i, text := range patterns {
		all = append(all, pattern{text, dir, mistake.Place{Path: fmt.Sprintf("rules_from[%d]", i)}})
	}
	return ruleFiles(all)
}

// pattern is one of rules_from, and the folder to which it is relative.
type pattern struct {
	text, dir string
	at        mistake.Place
}

// rulesFrom are the patterns of the configuration. Each is relative to the file in which it stands.
func (c *Config) rulesFrom() []pattern {
	from := c.tree.Get("rules_from")
	var all []pattern
	for i, text := range c.RulesFrom {
		at := from.Place
		if from.Kind == yamltree.List && i < len(from.Items) {
			at = from.Items[i].Place
		}
		dir := ""
		if at.Line > 0 { // in a file
			dir = filepath.Dir(at.File)
		}
		all = append(all, pattern{text, dir, at})
	}
	return all
}

func ruleFiles(patterns []pattern) ([]RuleFile, error) {
	var files []RuleFile
	var errs []error
	seen := map[string]bool{}
	for _, p := range patterns {
		paths := p.paths()
		if len(paths) == 0 {
			errs = append(errs, mistake.New(p.at, "no file matches: a path is relative to the file that names it"))
		}
		for _, path := range paths {
			if seen[path] {
				continue
			}
			seen[path] = true
			file := readRules(path)
			errs = append(errs, file.Err)
			files = append(files, file)
		}
	}
	return files, errors.Join(errs...)
}

func readRules(path string) RuleFile {
	file := RuleFile{Path: path}
	data, err := ReadFile(path)
	if err != nil {
		file.Err = fmt.Errorf("read rules: %w", err)
		return file
	}
	if file.isShared() {
		file.Define = mapping.Definitions{Source: string(data), Pos: mapping.Position{File: path, Line: 1}}
		return file
	}
	file.File, file.Err = rulefile.Parse(path, data)
	return file
}
