package app

import (
	"errors"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/mapping"
)

// Load reads a configuration and compiles its rules. The error holds every mistake of all files. The configuration says
// how to log also where it has mistakes.
func Load(in config.Input) (config.Config, *mapping.Rules, error) {
	c, err := config.Load(in)
	rules, errRules := c.Compile()
	return c, rules, exit.With(exit.Input, errors.Join(err, errRules))
}
