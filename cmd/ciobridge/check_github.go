package main

import (
	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/tests"
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
	tests.AnnotateFailed(w, r.Tests)
}
