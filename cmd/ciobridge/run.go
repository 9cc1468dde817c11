package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

func newRun() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Carry events until stopped",
		Long: "Carry events from the configured source to Customer.io until an interrupt or SIGTERM; then finish what is in hand.\n" +
			"A second signal ends the process at once; nothing is lost by it, but some calls are sent again after the next start.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, rules, err := load(path)
			if err != nil {
				return err
			}
			log, err := newLogger(c.Log, cmd.ErrOrStderr())
			if err != nil {
				return exit(exitInput, err)
			}
			limitMemory(log)
			for _, w := range rules.Warnings() {
				log.Warn(w)
			}
			b, err := newBridge(cmd.Context(), c, rules, log)
			if errors.Is(err, context.Canceled) {
				return nil // stopped before the broker answered
			}
			if err != nil {
				return err
			}
			defer b.close()
			return b.serve(cmd.Context())
		},
	}
	configFlag(cmd, &path)
	return cmd
}

// configFlag adds the flag that names the configuration file.
func configFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVarP(path, "config", "c", "ciobridge.yaml", "the configuration file")
}

// noArgs refuses arguments as bad input.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return exit(exitInput, fmt.Errorf("%s takes no arguments, got %q", cmd.CommandPath(), args[0]))
	}
	return nil
}
