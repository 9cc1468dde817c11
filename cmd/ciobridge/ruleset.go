package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/mapping"
)

// A ruleset is what can be checked and tried without a broker or a secret: the rules of a configuration, or rule
// files alone.
type ruleset struct {
	name    string // for people: the configuration's path, or how many rule files
	config  config.Config
	mapping mapping.Config
	files   []config.RuleFile
	rules   *mapping.Rules // nil where there are mistakes
}

func newRuleset(name string, c config.Config, err error) (ruleset, error) {
	rules, errRules := c.Compile()
	return ruleset{name: name, config: c, mapping: c.Mapping(), files: c.Files, rules: rules},
		errors.Join(err, errRules)
}

// readConfiguration reads a configuration with its rules. The error names every mistake of all files.
func readConfiguration(in config.Input) (ruleset, error) {
	c, err := config.Load(in)
	return newRuleset(strings.Join(in.Files, ", "), c, err)
}

// readRules reads rule files alone.
func readRules(patterns []string) (ruleset, error) {
	var errs []error
	for _, p := range patterns {
		if found, err := filepath.Glob(p); err != nil || len(found) == 0 {
			errs = append(errs, mistake.New(mistake.Place{File: p}, "no such rule file"))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return ruleset{name: output.Count(len(patterns), "rule file")}, err
	}
	c, err := config.LoadRules(patterns)
	return newRuleset(output.Count(len(c.Files), "rule file"), c, err)
}

// before reads the older version that a ruleset is compared with: a configuration, of one file or several, with the
// same --set; or rule files, whose events then arrive as the ruleset's do, and whose expressions call the functions
// that the ruleset shares.
func (s *ruleset) before(in config.Input) (*mapping.Rules, error) {
	rulesAlone := true
	for _, path := range in.Files {
		data, err := config.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read what to compare with: %w", err)
		}
		tree, err := yamltree.Parse(path, data)
		rulesAlone = rulesAlone && err == nil && tree.Get("source") == nil && tree.Get("rules_from") == nil
	}
	if !rulesAlone {
		old, err := readConfiguration(in)
		return old.rules, err
	}
	old, err := config.LoadRules(in.Files)
	if err != nil {
		return nil, err
	}
	m := old.Mapping()
	m.Topics, m.Define = s.mapping.Topics, s.mapping.Define
	return mapping.Compile(m)
}

// configFlags adds the flags that say what the configuration is read from.
func configFlags(cmd *cobra.Command, in *config.Input) {
	cmd.Flags().StringArrayVarP(&in.Files, "config", "c", []string{"ciobridge.yaml"}, "the configuration file; given "+
		"again, a later one is merged over those before it")
	cmd.Flags().StringArrayVar(&in.Set, "set", nil, "set one value of the configuration, as path=value, such as "+
		"log.level=debug; may be repeated")
	if err := cmd.MarkFlagFilename("config", "yaml", "yml"); err != nil {
		panic(err) // there is no such flag
	}
}

// ruleFilesAmong moves the YAML files from the events to the rules, where a shell puts them when a glob is not quoted.
func ruleFilesAmong(rules, files []string) (allRules, events []string) {
	for _, f := range files {
		if ext := filepath.Ext(f); ext == ".yaml" || ext == ".yml" {
			rules = append(rules, f)
			continue
		}
		events = append(events, f)
	}
	return rules, events
}

// topic is the name of the topic whose envelope events have: the given one, or the only one of the configuration.
func (s *ruleset) topic(given string) (string, error) {
	var listed []string
	for _, t := range s.mapping.Topics {
		if t.Pattern != "" {
			listed = append(listed, "those that match "+t.Pattern)
		} else {
			listed = append(listed, t.Name)
		}
	}
	switch {
	case len(listed) == 0 || given != "" && s.rules.HasTopic(given):
		return given, nil
	case given != "":
		return "", fmt.Errorf("--topic %s: is not in the configuration, which has %s", given,
			strings.Join(listed, ", "))
	case len(listed) == 1 && s.mapping.Topics[0].Pattern == "":
		return listed[0], nil
	}
	return "", fmt.Errorf("--topic is missing: say where the events stand: %s", strings.Join(listed, ", "))
}
