package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/secret"
)

// Input says what a configuration is read from.
type Input struct {
	// Files are merged from left to right: maps key by key, and everything else is replaced.
	Files []string
	// Set are single values over the files, each as path=value, where the value is YAML.
	Set []string
}

// File is the input of one file.
func File(path string) Input { return Input{Files: []string{path}} }

// Load reads a configuration and the rule files that it names. The error holds every mistake of all of them, each with
// its place; a secret that is not in ${} is only read when it is used. Paths of rule files are relative to the file
// that names them; those of secrets and data, and what stands in Set, are relative to the working directory. Beside an
// error the configuration is as far as it could be read.
func Load(in Input) (Config, error) {
	tree, err := read(in)
	c := Default()
	err = yamltree.Hide(err, c)
	if tree == nil {
		return Config{err: err}, err
	}
	err = errors.Join(err, c.decode(tree))
	if tree.Kind != yamltree.Map { // what is missing in it is all there is
		return Config{err: err}, err
	}
	var errFiles error
	c.Files, errFiles = ruleFiles(c.rulesFrom())
	c.err = errors.Join(err, c.placed(mistake.Beyond(err, c.Validate())), errFiles)
	return c, c.err
}

// LoadRules reads rule files alone. Nobody says which destructive actions are allowed and which workspaces there are,
// and so all are.
func LoadRules(patterns []string) (Config, error) {
	c := Default()
	c.CustomerIO.Allow, c.rulesAlone = customerio.DestructiveActions(), true
	c.Files, c.err = RuleFiles("", patterns)
	return c, c.err
}

// Parse reads a configuration from its text, without its rule files and without checking what it means.
func Parse(name string, data []byte) (Config, error) {
	c := Default()
	tree, err := yamltree.Parse(name, data)
	if tree == nil {
		return c, yamltree.Hide(err, c)
	}
	return c, errors.Join(yamltree.Hide(errors.Join(err, expand(tree)), c), c.decode(tree))
}

func (c *Config) decode(tree *yamltree.Node) error {
	c.tree = tree
	return yamltree.Decode(tree, c)
}

// read merges the files and the single values. It is nil where nothing could be read.
func read(in Input) (*yamltree.Node, error) {
	var tree *yamltree.Node
	var errs []error
	for _, path := range in.Files {
		data, err := ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w; name another with --config, or write one with ciobridge init", err)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("read the configuration: %w", err))
			continue
		}
		file, err := yamltree.Parse(path, data)
		if file != nil {
			tree = yamltree.Merge(tree, file)
		}
		errs = append(errs, err)
	}
	for _, assignment := range in.Set {
		path, value, found := strings.Cut(assignment, "=")
		if !found {
			errs = append(errs, errors.New("--set: want path=value, such as log.level=debug"))
			continue
		}
		changed, err := yamltree.Set(tree, "--set "+path, path, value)
		tree = changed
		errs = append(errs, err)
	}
	if tree != nil {
		errs = append(errs, expand(tree))
	}
	return tree, errors.Join(errs...)
}

// programs are the keys below which expressions stand. They hold no secret, mean the same in every place, and are
// quoted by mistakes.
var programs = []string{"rules", "define", "envelope"}

// expand puts values in place of ${…}, but not in expressions.
func expand(tree *yamltree.Node) error {
	return yamltree.Expand(tree, programs, func(name string) (string, error) {
		if path, ok := strings.CutPrefix(name, "file:"); ok {
			value, err := secret.Ref{File: path}.Read()
			return value.Reveal(), err
		}
		value, ok := os.LookupEnv(name)
		if !ok {
			return "", yamltree.ErrUnset
		}
		return value, nil
	})
}

// Compile compiles the rules. The error holds what has not been reported when they were read; the rules are nil where
// either had mistakes.
func (c *Config) Compile() (*mapping.Rules, error) {
	m := c.Mapping()
	if c.err != nil && len(m.Rules) == 0 {
		return nil, nil // that there is none would be one more mistake
	}
	rules, err := mapping.Compile(m)
	if rules != nil && rules.Once() && c.Source.Section() != nil && !c.Ledger.Placed() {
		err = errors.Join(err, c.checkLedger()) // of the place that is taken where none is given
	}
	err = errors.Join(err, c.checkSettle(rules))
	if c.err != nil {
		rules = nil
	}
	if lacking := c.lacks(rules); lacking != nil {
		return nil, lacking
	}
	return rules, c.placed(mistake.Beyond(c.err, mistake.Without(err, m.Validate())))
}

// lacks reports credentials that rules need and that are not given. Rules alone, without a configuration, have none.
func (c *Config) lacks(rules *mapping.Rules) error {
	if rules == nil || c.tree == nil {
		return nil
	}
	var errs []error
	for _, use := range rules.Uses() {
		w := c.CustomerIO.All()[use.Workspace]
		if key := w.Lacks(use.API); key != "" {
			errs = append(errs, mistake.Of("%s.%s: is missing: the rule %q makes calls over %s", w.Path(), key,
				use.Rule, use.API))
		}
	}
	return c.placed(errors.Join(errs...))
}

// placed gives mistakes that know only their path the place of the field, or of what it would stand in.
func (c *Config) placed(err error) error {
	var l mistake.List
	for _, m := range mistake.All(err) {
		if m.File == "" && m.Path != "" && c.tree != nil {
			found := *m
			found.Place = c.tree.Nearest(m.Path).With(m.Path)
			m = &found
		}
		l.Join(m)
	}
	return l.Err()
}
