package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/dryrun"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/mapping"
)

func newRun(h *hangups) *cobra.Command {
	var in config.Input
	var replay bool
	var r replayFlags
	var out format
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Carry events until stopped",
		Long: "Carry events from the configured source to Customer.io until an interrupt or SIGTERM; then finish " +
			"what is in hand. A\nsecond signal ends the process at once; nothing is lost by it, but some calls are " +
			"sent again after the next start.\n\nRules that change in their files are taken up while events flow, " +
			"if check has nothing against them; SIGHUP has\nthem read at once. What else changes in the " +
			"configuration needs a restart.\n\n" +
			"With --dry-run, map what would be read next beside a bridge that may run, up to what there is, and " +
			"print totals by\nrule: nothing is sent, committed or stored, and Customer.io is not asked.\n\n" +
			"With --replay-dead-letters, send the open dead letters again instead and end: all of them, or those " +
			"that the conditions\nchoose. It is the same as ciobridge deadletters replay, and reads no new events.",
		Example: "  ciobridge run -c ciobridge.yaml\n" +
			"  ciobridge run --dry-run\n" +
			"  ciobridge run --replay-dead-letters --rule order",
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if replay {
				return replayDeadLetters(cmd, in, &r, out)
			}
			dry := r.dryRun
			if r.dryRun = false; r.given() {
				return exit.With(exit.Input, errors.New("flags that choose dead letters need --replay-dead-letters"))
			}
			c, rules, err := app.Load(in)
			if err == nil && dry {
				return dryrun.Run(cmd, c, rules, out == asJSON)
			}
			if err == nil {
				err = runBridge(cmd, in, c, rules, h)
			}
			return logged(cmd, c.Log, err)
		},
	}
	configFlags(cmd, &in)
	outputFlag(cmd, &out)
	cmd.Flags().BoolVar(&replay, "replay-dead-letters", false, "send open dead letters again and end, instead of "+
		"carrying events")
	r.add(cmd)
	cmd.Flags().Lookup("dry-run").Usage = "map what would be read next, or show which dead letters would be sent; " +
		"nothing is sent, committed or stored"
	return cmd
}

// runBridge runs a bridge until the command is stopped.
func runBridge(cmd *cobra.Command, in config.Input, c config.Config, rules *mapping.Rules, h *hangups) error {
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
	b.Reload(in, h.take())
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

// hangups are the SIGHUPs that reach the process. One that was ignored at the start, as nohup has it, stays ignored.
type hangups struct {
	taken  atomic.Bool
	asked  chan struct{} // holds one for a command that takes them
	onATTY bool          // there was a terminal at the start
}

// watchHangups has a hangup end the context, unless a command takes it. More of these signals do nothing then: a
// terminal that is closed sends two.
func watchHangups(ctx context.Context) (context.Context, *hangups, func()) {
	ctx, cancel := context.WithCancel(ctx)
	h := &hangups{asked: make(chan struct{}, 1), onATTY: hasTerminal()}
	if signal.Ignored(syscall.SIGHUP) {
		return ctx, h, cancel
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			select {
			case <-signals:
			case <-ctx.Done():
				return
			}
			if !h.taken.Load() || h.terminalGone() {
				cancel()
				return
			}
			select {
			case h.asked <- struct{}{}:
			default: // it is asked for already
			}
		}
	})
	return ctx, h, func() {
		signal.Stop(signals)
		cancel()
		watch.Wait()
	}
}

// take has hangups ask a command to read its files again, instead of ending it. One that comes because the terminal was
// closed still ends it.
func (h *hangups) take() <-chan struct{} {
	h.taken.Store(true)
	return h.asked
}

// terminalGone reports whether the process had a terminal and has none any more. The signal may come a little before
// the terminal is gone.
func (h *hangups) terminalGone() bool {
	if !h.onATTY {
		return false
	}
	for range 10 {
		if !hasTerminal() {
			return true
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false
}

// hasTerminal reports whether a terminal controls the process.
func hasTerminal() bool {
	tty, err := os.OpenFile("/dev/tty", os.O_RDONLY|syscall.O_NOCTTY, 0)
	if err != nil {
		return false
	}
	_ = tty.Close() // it was opened to see whether there is one
	return true
}
