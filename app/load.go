package app

import (
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/mapping"
)

// Load reads a configuration and compiles its rules. The configuration says how to log also where it has mistakes.
func Load(path string) (config.Config, *mapping.Rules, error) {
	c, err := config.Load(path)
	if err != nil {
		return c, nil, exit.With(exit.Input, err)
	}
	rules, err := mapping.Compile(c.Mapping())
	return c, rules, exit.With(exit.Input, err)
}
