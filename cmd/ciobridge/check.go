package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/ruletest"
)

func newCheck() *cobra.Command {
	var path, against string
	var out format
	cmd := &cobra.Command{
		Use:   "check [rule file]...",
		Short: "Find the mistakes in a configuration and run the tests of its rules",
		Long: "Read a configuration and its rule files, or rule files alone, name every mistake with its place, and run the tests that\n" +
			"stand in the rule files. Neither a broker nor a secret is needed.\n\n" +
			"With --against, name the calls whose identity differs from an older version: events that were sent before the change\n" +
			"and are read again after it would count twice.\n\n" +
			"The exit code is 2 for mistakes, and 6 for tests that fail or identities that differ.",
		Example: "  ciobridge check -c ciobridge.yaml\n" +
			"  ciobridge check rules/*.yaml\n" +
			"  git show main:rules/orders.yaml > /tmp/old.yaml && ciobridge check rules/orders.yaml --against /tmp/old.yaml",
		RunE: func(cmd *cobra.Command, files []string) error {
			if len(files) > 0 && cmd.Flags().Changed("config") {
				return exit.With(exit.Input, fmt.Errorf("give either --config or rule files, not both"))
			}
			set, err := readSet(path, files)
			r := newCheckReport(set, err)
			if against != "" && err == nil {
				old, err := set.before(against)
				if err != nil {
					return exit.With(exit.Input, err)
				}
				r.Changes = identityChanges(mapping.CompareIdentities(old, set.rules))
			}
			if err := r.print(cmd.OutOrStdout(), out); err != nil {
				return err
			}
			return r.verdict()
		},
	}
	configFlag(cmd, &path)
	outputFlag(cmd, &out)
	cmd.Flags().StringVar(&against, "against", "", "an older configuration or rule file to compare identities with")
	return cmd
}

// readSet reads rule files where some are named, and else a configuration.
func readSet(path string, files []string) (ruleset, error) {
	if len(files) > 0 {
		return readRules(files)
	}
	return readConfiguration(path)
}

func newCheckReport(set ruleset, err error) checkReport {
	r := checkReport{Name: set.name, Files: len(set.files), Rules: len(set.mapping.Rules), Mistakes: mistakes(err)}
	if err != nil {
		return r
	}
	r.Hash, r.Warnings = set.rules.Hash(), set.rules.Warnings()
	for _, f := range set.files {
		for _, t := range ruletest.Run(set.rules, f.Tests, filepath.Dir(f.Path)) {
			r.Tests = append(r.Tests, testReport{Name: t.Name, Place: t.Place, Passed: len(t.Diffs) == 0, Diffs: t.Diffs})
		}
	}
	return r
}
