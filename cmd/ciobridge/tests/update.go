package tests

import (
	"fmt"
	"path/filepath"

	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/ruletest"
)

// written is a golden file that is as the rules have it now.
type written struct {
	File    string `json:"file"`
	Tests   int    `json:"tests"`
	Changed bool   `json:"changed"`
}

// update writes the golden files of all suites. One belongs to one rule file: what others have there would be lost.
func update(rules *mapping.Rules, suites []ruletest.Suite) (list []written, err error) {
	owner := map[string]mapping.Position{}
	for i := range suites {
		for _, t := range suites[i].Tests {
			path := filepath.Join(suites[i].Dir, t.Golden)
			if t.Golden == "" {
				continue
			}
			if first, taken := owner[path]; taken && first.File != t.Pos.File {
				return nil, exit.With(exit.Input, fmt.Errorf("%s: the golden file %s is one of %s, too: each rule "+
					"file needs its own", t.Pos, t.Golden, first.File))
			}
			owner[path] = t.Pos
		}
	}
	for i := range suites {
		files, err := suites[i].Update(rules)
		if err != nil {
			return nil, err
		}
		for _, w := range files {
			list = append(list, written{filepath.Join(suites[i].Dir, w.File), w.Tests, w.Changed})
		}
	}
	return list, nil
}
