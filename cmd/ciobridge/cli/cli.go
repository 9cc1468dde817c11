package cli

import (
	"fmt"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/internal/exit"
)

// NoArgs refuses arguments as bad input.
func NoArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return exit.With(exit.Input, fmt.Errorf("%s takes no arguments, got %q", cmd.CommandPath(), args[0]))
	}
	return nil
}

// Complete names the values of a flag for shells. It panics where there is no such flag.
func Complete(cmd *cobra.Command, flag string, values ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values,
		cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err)
	}
}

// QuietLogger tells a command's user of trouble only: in words, or as JSON where results are JSON.
func QuietLogger(cmd *cobra.Command, asJSON bool) (*zap.Logger, error) {
	c := config.Log{Level: "warn", Format: "console"}
	if asJSON {
		c.Format = "json"
	}
	return app.NewLogger(c, cmd.ErrOrStderr())
}
