package cli

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/exit"
)

// CheckRules refuses names that --rule gives and that no rule has.
func CheckRules(given, known []string) error {
	var errs []error
	for _, name := range given {
		if !slices.Contains(known, name) {
			errs = append(errs, fmt.Errorf("--rule %q: there is no such rule%s", name, choice.Near(name, known)))
		}
	}
	return exit.With(exit.Input, errors.Join(errs...))
}
