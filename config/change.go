package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/internal/yamltree"
)

// ruleKeys are the keys of a configuration that can change while a bridge runs. All others need a restart.
var ruleKeys = []string{"rules", "rules_from", "on_unmatched", "on_invalid", "too_late"}

// Fingerprint changes with the content of every file that Load would read again, and with what files there are. The
// patterns of rule files are those of the configuration.
func (c *Config) Fingerprint(in Input) string {
	h := sha256.New()
	add := func(path string) {
		data, err := ReadFile(path)
		if err != nil {
			data = []byte(err.Error())
		}
		sum := sha256.Sum256(data)
		fmt.Fprintf(h, "%q %x\n", path, sum)
	}
	for _, path := range in.Files {
		add(path)
	}
	for _, p := range c.rulesFrom() {
		for _, path := range p.paths() {
			add(path)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// WithRules is the configuration with the rules of another one, and with what that says of events in general. What else
// the other one changes is named by its paths, without what stands there.
func (c *Config) WithRules(of *Config) (merged Config, others []string) {
	merged = *c
	merged.Rules, merged.RulesFrom, merged.Files = of.Rules, of.RulesFrom, of.Files
	merged.OnUnmatched, merged.OnInvalid, merged.TooLate = of.OnUnmatched, of.OnInvalid, of.TooLate
	merged.tree, merged.err = of.tree, of.err
	others = slices.DeleteFunc(yamltree.Differing(c.tree, of.tree), func(path string) bool {
		end := strings.IndexAny(path+".", ".[")
		return slices.Contains(ruleKeys, path[:end])
	})
	return merged, others
}

// Gone are the rule files that a later configuration does not have any more, of those whose rules, too, are gone with
// them. A file that was renamed is not among them.
func (c *Config) Gone(later *Config) (paths []string) {
	names := map[string]bool{}
	for _, r := range later.Mapping().Rules {
		names[r.Name] = true
	}
	for _, f := range c.Files {
		if slices.ContainsFunc(later.Files, func(now RuleFile) bool { return now.Path == f.Path }) {
			continue
		}
		for _, r := range f.Rules {
			if !names[r.Name] {
				paths = append(paths, f.Path)
				break
			}
		}
	}
	return paths
}

// paths are the files that a pattern matches, by name.
func (p pattern) paths() []string {
	path := p.text
	if !filepath.IsAbs(path) {
		path = filepath.Join(p.dir, path)
	}
	paths, err := filepath.Glob(path)
	if err != nil {
		return nil
	}
	return paths
}
