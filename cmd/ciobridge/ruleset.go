package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/mapping"
)

// A ruleset is what can be checked and tried without a broker or a secret: the rules of a configuration, or rule
// files alone.
type ruleset struct {
	name    string // for people: the configuration's path, or how many rule files
	mapping mapping.Config
	files   []config.RuleFile
	rules   *mapping.Rules // nil where there are mistakes
}

// readConfiguration reads a configuration with its rules. Unlike config.Load it goes on after a mistake, so that the
// error names all of them: those of the configuration, of the form of its rule files, and of the rules.
func readConfiguration(path string) (ruleset, error) {
	s := ruleset{name: path}
	data, err := config.ReadFile(path)
	if err != nil {
		return s, fmt.Errorf("read the configuration: %w", err)
	}
	c, err := config.Parse(path, data)
	if err != nil {
		return s, err
	}
	var errFiles error
	c.Files, errFiles = config.RuleFiles(filepath.Dir(path), c.RulesFrom)
	s.files = c.Files
	if errFiles != nil {
		c.Files = sound(c.Files)
	}
	s.mapping = c.Mapping()
	var errRules error
	if s.worthCompiling(errFiles) {
		s.rules, errRules = mapping.Compile(s.mapping)
	}
	return s, errors.Join(c.Validate(), errFiles, errRules)
}

// readRules reads rule files alone. Without a configuration nobody says which destructive actions are allowed, and so
// all are.
func readRules(patterns []string) (ruleset, error) {
	s := ruleset{name: output.Count(len(patterns), "rule file")}
	var errs []error
	for _, p := range patterns {
		if found, err := filepath.Glob(p); err != nil || len(found) == 0 {
			errs = append(errs, fmt.Errorf("%s: no such rule file", p))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return s, err
	}
	files, errFiles := config.RuleFiles("", patterns)
	s.files = files
	s.name = output.Count(len(files), "rule file")
	if errFiles != nil {
		files = sound(files)
	}
	s.mapping = mapping.Config{Allow: customerio.DestructiveActions()}
	config.AddTo(&s.mapping, files)
	var errRules error
	if s.worthCompiling(errFiles) {
		s.rules, errRules = mapping.Compile(s.mapping)
	}
	return s, errors.Join(errFiles, errRules)
}

// worthCompiling is false where no rule is left because the rule files have mistakes: that there is none would be one
// more.
func (s *ruleset) worthCompiling(errFiles error) bool {
	return errFiles == nil || len(s.mapping.Rules) > 0
}

// sound keeps the files whose form is right. What a broken file seems to say is not worth more mistakes.
func sound(files []config.RuleFile) []config.RuleFile {
	return slices.DeleteFunc(slices.Clone(files), func(f config.RuleFile) bool {
		_, err := config.RuleFiles(filepath.Dir(f.Path), []string{filepath.Base(f.Path)})
		return err != nil
	})
}

// before reads the older version that a ruleset is compared with: a configuration, or one rule file, whose events
// then arrive as the ruleset's do.
func (s *ruleset) before(path string) (*mapping.Rules, error) {
	data, err := config.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read what to compare with: %w", err)
	}
	var keys map[string]any
	if err := config.Decode(path, data, &keys); err == nil && keys["source"] == nil && keys["rules_from"] == nil {
		old, err := readRules([]string{path})
		if err != nil {
			return nil, err
		}
		old.mapping.Topics = s.mapping.Topics
		return mapping.Compile(old.mapping)
	}
	old, err := readConfiguration(path)
	return old.rules, err
}

// configFlag adds the flag that names the configuration file.
func configFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVarP(path, "config", "c", "ciobridge.yaml", "the configuration file")
	if err := cmd.MarkFlagFilename("config", "yaml", "yml"); err != nil {
		panic(err) // there is no such flag
	}
}
