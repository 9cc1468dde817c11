package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/internal/demo"
	"github.com/ciobridge/ciobridge/internal/exit"
)

func newDemo() *cobra.Command {
	var o demo.Options
	var out format
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show a whole bridge at work, with nothing installed",
		Long: "Run a broker, a bridge and a local Customer.io in this process, publish sample events of a small " +
			"shop, some of them\nbroken on purpose, and tell what became of each. Then wait for events of your own " +
			"until an interrupt. The folder keeps the\nconfiguration and the rules, for the other commands to use. " +
			"No account and no credentials are needed.",
		Example: "  ciobridge demo\n  ciobridge demo --events 20000 --once -o json",
		Args:    cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Events < 0 {
				return exit.With(exit.Input, fmt.Errorf("--events: %d is negative", o.Events))
			}
			o.JSON, o.Version = out == asJSON, buildVersion()
			return demo.Run(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Dir, "dir", "ciobridge-demo", "the folder for configuration, rules, events and dead letters")
	f.IntVar(&o.Events, "events", 1000, "how many sample events to publish")
	f.Uint64Var(&o.Seed, "seed", 1, "what the sample events are made from")
	f.BoolVar(&o.Once, "once", false, "end when the sample events are done; exit code 0 says that the counts add up")
	outputFlag(cmd, &out)
	return cmd
}
