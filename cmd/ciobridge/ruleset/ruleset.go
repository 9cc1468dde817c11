package ruleset

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/mapping"
)

// A Set is what can be checked and tried without a broker or a secret: the rules of a configuration, or rule files
// alone.
type Set struct {
	Name    string // for people: the configuration's path, or how many rule files
	Config  config.Config
	Mapping mapping.Config
	Files   []config.RuleFile
	Rules   *mapping.Rules // nil where there are mistakes
}

// Read reads rule files where some are named, and else a configuration. The error names every mistake of all files, and
// the set is then as far as it could be read.
func Read(in config.Input, files []string) (Set, error) {
	if len(files) > 0 {
		return readRules(files)
	}
	return readConfiguration(in)
}

func newSet(name string, c config.Config, err error) (Set, error) {
	rules, errRules := c.Compile()
	return Set{Name: name, Config: c, Mapping: c.Mapping(), Files: c.Files, Rules: rules},
		errors.Join(err, errRules)
}

func readConfiguration(in config.Input) (Set, error) {
	c, err := config.Load(in)
	return newSet(strings.Join(in.Files, ", "), c, err)
}

// Tests reads files that hold only tests. The error names every mistake of all files.
func Tests(patterns []string) ([]config.RuleFile, error) {
	if err := exist(patterns); err != nil {
		return nil, err
	}
	c, err := config.LoadRules(patterns)
	errs := []error{err}
	for _, f := range c.Files {
		if len(f.Rules) > 0 {
			errs = append(errs, mistake.New(f.Rules[0].Pos, "is a rule: beside a configuration only files of tests "+
				"are named; name the file in rules_from, or leave --config out"))
		}
	}
	return c.Files, errors.Join(errs...)
}

// exist finds the patterns that match no file.
func exist(patterns []string) error {
	var errs []error
	for _, p := range patterns {
		if found, err := filepath.Glob(p); err != nil || len(found) == 0 {
			errs = append(errs, mistake.New(mistake.Place{File: p}, "no such rule file"))
		}
	}
	return errors.Join(errs...)
}

func readRules(patterns []string) (Set, error) {
	if err := exist(patterns); err != nil {
		return Set{Name: output.Count(len(patterns), "rule file")}, err
	}
	c, err := config.LoadRules(patterns)
	return newSet(output.Count(len(c.Files), "rule file"), c, err)
}

// IsConfiguration reports whether a file is a configuration, and no rule file. One that cannot be read is none: who
// reads it says why.
func IsConfiguration(path string) bool {
	data, err := config.ReadFile(path)
	if err != nil {
		return false
	}
	holdsRules, err := rulesOnly(path, data)
	return err == nil && !holdsRules
}

// rulesOnly reports whether what a file holds is no configuration.
func rulesOnly(path string, data []byte) (bool, error) {
	tree, err := yamltree.Parse(path, data)
	return err == nil && tree.Get("source") == nil && tree.Get("rules_from") == nil, err
}

// Before reads the older version that a set is compared with: a configuration, of one file or several, with the
// same --set; or rule files, whose events then arrive as those of the set do, and whose expressions call the functions
// that the set shares.
func (s *Set) Before(in config.Input) (*mapping.Rules, error) {
	rulesAlone := true
	for _, path := range in.Files {
		data, err := config.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read what to compare with: %w", err)
		}
		holdsRules, err := rulesOnly(path, data)
		rulesAlone = rulesAlone && err == nil && holdsRules
	}
	if !rulesAlone {
		old, err := readConfiguration(in)
		return old.Rules, err
	}
	old, err := config.LoadRules(in.Files)
	if err != nil {
		return nil, err
	}
	m := old.Mapping()
	m.Topics, m.Define = s.Mapping.Topics, s.Mapping.Define
	return mapping.Compile(m)
}

// Topic is the name of the topic whose envelope events have: the given one, or the only one of the configuration.
func (s *Set) Topic(given string) (string, error) {
	var listed []string
	for _, t := range s.Mapping.Topics {
		if t.Pattern != "" {
			listed = append(listed, "those that match "+t.Pattern)
		} else {
			listed = append(listed, t.Name)
		}
	}
	switch {
	case len(listed) == 0 || given != "" && s.Rules.HasTopic(given):
		return given, nil
	case given != "":
		return "", fmt.Errorf("--topic %s: is not in the configuration, which has %s", given,
			strings.Join(listed, ", "))
	case len(listed) == 1 && s.Mapping.Topics[0].Pattern == "":
		return listed[0], nil
	}
	return "", fmt.Errorf("--topic is missing: say where the events stand: %s", strings.Join(listed, ", "))
}
