package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
)

// annotate writes what check found for GitHub: beside words, and on standard error beside a form that programs read.
func (r *checkReport) annotate(cmd *cobra.Command, out *cli.Word) {
	w := cmd.OutOrStdout()
	if out.String() == string(cli.JSON) {
		w = cmd.ErrOrStderr()
	}
	cli.AnnotateMistakes(w, cli.ErrorLevel, r.Mistakes)
	level := cli.WarningLevel
	if r.strict {
		level = cli.ErrorLevel
	}
	cli.AnnotateMistakes(w, level, r.Warnings)
	for _, t := range r.Tests {
		if !t.Passed {
			cli.Annotate(w, cli.ErrorLevel, t.at, "test failed: "+t.Name, strings.Join(t.Diffs, "\n"))
		}
	}
}
