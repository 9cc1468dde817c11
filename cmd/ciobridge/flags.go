package main

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/config"
)

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
