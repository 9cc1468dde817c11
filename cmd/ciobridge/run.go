package main

import (
	"errors"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/mapping"
)

func newRun() *cobra.Command {
	var in config.Input
	var replay bool
	var r replayFlags
	var out format
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Carry events until stopped",
		Long: "Carry events from the configured source to Customer.io until an interrupt, SIGTERM or SIGHUP; then " +
			"finish what is in hand.\nA second signal ends the process at once; nothing is lost by it, but some " +
			"calls are sent again after the next start.\n\n" +
			"With --replay-dead-letters, send the open dead letters again instead and end: all of them, or those " +
			"that the conditions\nchoose. It is the same as ciobridge deadletters replay, and reads no new events.",
		Example: "  ciobridge run -c ciobridge.yaml\n" +
			"  ciobridge run --replay-dead-letters --rule order",
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if replay {
				return replayDeadLetters(cmd, in, &r, out)
			}
			if r.given() {
				return exit.With(exit.Input, errors.New("flags that choose dead letters need --replay-dead-letters"))
			}
			c, rules, err := app.Load(in)
			if err == nil {
				err = runBridge(cmd, c, rules)
			}
			return logged(cmd, c.Log, err)
		},
	}
	configFlags(cmd, &in)
	outputFlag(cmd, &out)
	cmd.Flags().BoolVar(&replay, "replay-dead-letters", false, "send open dead letters again and end, instead of "+
		"carrying events")
	r.add(cmd)
	return cmd
}

// runBridge runs a bridge until the command is stopped.
func runBridge(cmd *cobra.Command, c config.Config, rules *mapping.Rules) error {
	log, err := app.NewLogger(c.Log, cmd.ErrOrStderr())
	if err != nil {
		return exit.With(exit.Input, err)
	}
	app.LimitMemory(log)
	for _, w := range rules.Warnings() {
		log.Warn(w.Error())
	}
	b, err := app.New(c, rules, log, buildVersion())
	if err != nil {
		return err
	}
	defer b.Close()
	return b.Serve(cmd.Context())
}

// replayDeadLetters is what run does with --replay-dead-letters: the replay and nothing else, logged as a bridge logs.
func replayDeadLetters(cmd *cobra.Command, in config.Input, r *replayFlags, out format) error {
	c, rules, err := app.Load(in)
	if err == nil {
		err = replayLogged(cmd, c, rules, r, out)
	}
	return logged(cmd, c.Log, err)
}

func replayLogged(cmd *cobra.Command, c config.Config, rules *mapping.Rules, r *replayFlags, out format) error {
	log, err := app.NewLogger(c.Log, cmd.ErrOrStderr())
	if err != nil {
		return exit.With(exit.Input, err)
	}
	d, err := newLettersClient(cmd, c, rules, log)
	if err != nil {
		return err
	}
	defer d.close()
	d.log.Info("replaying dead letters", zap.String("version", buildVersion()), zap.String("rules", d.rules.Hash()))
	r.filter.all = r.filter.all || !r.filter.chooses()
	return r.run(cmd, d, out)
}
