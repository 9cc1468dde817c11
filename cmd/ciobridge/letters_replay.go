package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/replay"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/ledger"
	"github.com/ciobridge/ciobridge/mapping"
)

func newLettersReplay() *cobra.Command {
	var in config.Input
	var r replayFlags
	var out format
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Send open dead letters again",
		Long: "Map the open letters that meet every condition given with today's rules, and send the calls that " +
			"failed: only those, and\nin order for each person among the letters chosen. What is delivered is " +
			"resolved, what fails again is counted.\n\n" +
			"A replay can be interrupted at any time: the next one takes what is not resolved. Two cannot run at " +
			"once; a bridge may\nrun beside it. A replay waits for an outage of Customer.io to end, but does not " +
			"begin in one. There is no question asked;\n--dry-run shows what would be sent.\n\n" +
			"Letters of a rule or call that has another name now are replayed with --as. Their calls get the " +
			"identity of the new\nname, as those of live events do: with an event that the bridge has read again, " +
			"and with a second replay, they count\nonce. --whole-event sends all that today's rules make of the " +
			"events, with today's identities: what was delivered before\nunder another name, or by another id, may " +
			"count twice, which --yes accepts.\n\n" +
			"The exit code is 1 when letters that were chosen stay open, or would with --dry-run, and 5 when " +
			"Customer.io could not be reached.",
		Example: "  ciobridge dlq replay --reason missing_field --dry-run\n" +
			"  ciobridge dlq replay --rule order --event-after 2026-10-05 --rate 10\n" +
			"  ciobridge dlq replay --rule order --as order_placed/track:done\n" +
			"  ciobridge dlq replay --all",
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := openLetters(cmd, in, out)
			if err != nil {
				return err
			}
			defer d.close()
			return r.run(cmd, d, out)
		},
	}
	configFlags(cmd, &in)
	outputFlag(cmd, &out)
	r.add(cmd)
	return cmd
}

// replayFlags say what is replayed, and how.
type replayFlags struct {
	filter             filterFlags
	dryRun             bool
	rate               int
	includeDestructive bool
	as                 string
	wholeEvent         bool
	yes                bool
}

func (r *replayFlags) add(cmd *cobra.Command) {
	r.filter.add(cmd)
	r.addSending(cmd)
	r.addAnew(cmd)
}

// addSending adds how what is replayed is sent.
func (r *replayFlags) addSending(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&r.dryRun, "dry-run", false, "show what would be sent, and send nothing")
	cmd.Flags().IntVar(&r.rate, "rate", 0,
		"at most so many requests a second; 0 means customerio.requests_per_second, "+
			"which a bridge beside it uses too")
	cmd.Flags().BoolVar(&r.includeDestructive, "include-destructive", false,
		"send calls that "+destructive()+" people, too")
}

// addAnew adds how letters are replayed as something else.
func (r *replayFlags) addAnew(cmd *cobra.Command) {
	cmd.Flags().StringVar(&r.as, "as", "",
		"replay letters whose rule or call is gone as those of this rule, or of this call: RULE or RULE/CALL")
	cmd.Flags().BoolVar(&r.wholeEvent, "whole-event", false,
		"send all that today's rules make of the letters' events, with today's identities; what was delivered before "+
			"may count twice")
	cmd.Flags().BoolVar(&r.yes, "yes", false, "accept that calls may count twice")
}

// given reports whether any of the flags was.
func (r *replayFlags) given() bool {
	f := &r.filter
	return f.chooses() || f.all || f.limit != 0 || f.partition != 0 || f.offset != "" || r.dryRun || r.rate != 0 ||
		r.includeDestructive || r.as != "" || r.wholeEvent || r.yes
}

// run replays, or tries to, and tells what came of it.
func (r *replayFlags) run(cmd *cobra.Command, d *lettersClient, out format) error {
	if r.rate < 0 {
		return exit.With(exit.Input, fmt.Errorf("--rate: %d is negative", r.rate))
	}
	opts, err := r.options(cmd, d)
	if err != nil {
		return err
	}
	return r.replay(cmd, d, opts, out)
}

// options are those of the replay that the flags ask for.
func (r *replayFlags) options(cmd *cobra.Command, d *lettersClient) (replay.Options, error) {
	chosen, err := r.filter.filter(cmd, d)
	if err != nil {
		return replay.Options{}, err
	}
	opts := replay.Options{Filter: chosen, WholeEvent: r.wholeEvent}
	switch {
	case r.wholeEvent && r.as != "":
		err = errors.New("--as and --whole-event: give one of them")
	case r.wholeEvent && !r.yes && !r.dryRun:
		err = errors.New("--whole-event: every call that today's rules make of these events is sent with the " +
			"identity that it has today; what was delivered before under another name, or by another id, may " +
			"count twice. Look with --dry-run, and give --yes to accept that")
	case r.as != "":
		opts.As, err = target(d.rules, r.as)
	}
	return opts, exit.With(exit.Input, err)
}

// target finds the rule, and the call, that --as names. Both may have a slash in their names.
func target(rules *mapping.Rules, text string) (*replay.Target, error) {
	if isRule, _ := rules.Names(text, ""); isRule {
		return &replay.Target{Rule: text}, nil
	}
	rule := text
	for i := range len(text) {
		if text[i] != '/' {
			continue
		}
		isRule, isCall := rules.Names(text[:i], text[i+1:])
		if isCall {
			return &replay.Target{Rule: text[:i], Call: text[i+1:]}, nil
		}
		if isRule {
			return nil, fmt.Errorf("--as %q: rule %q has no call %q%s", text, text[:i], text[i+1:],
				candidates(text[i+1:], rules.CallNames(text[:i])))
		}
	}
	rule, _, _ = strings.Cut(rule, "/")
	return nil, fmt.Errorf("--as %q: there is no such rule%s", text, candidates(rule, rules.RuleNames()))
}

// replay replays, or tries to.
func (r *replayFlags) replay(cmd *cobra.Command, d *lettersClient, opts replay.Options, out format) error {
	progress := cmd.ErrOrStderr()
	if out == asJSON {
		progress = io.Discard
	}
	if !r.includeDestructive {
		opts.Skip = customerio.DestructiveActions()
	}
	if opts.WholeEvent {
		fmt.Fprintln(progress, "whole events: calls that were delivered before under another name, or by another id, "+
			"count twice")
	}
	opts.Content = d.content
	if d.store.Ledger != nil {
		opts.Undecided = func(ctx context.Context, l *deadletter.Letter) (bool, error) {
			return ledger.Undecided(ctx, d.store.Ledger, l.ID(), opts.As != nil)
		}
	}
	opts.Confirm = func(p replay.Progress) error {
		fmt.Fprintf(progress, "replaying %d of %s\n", p.Chosen, output.Count(p.Open, "open letter"))
		return nil
	}
	run, err := replay.New(d.store, d.rules.ForReplay(), opts, d.log.Named("replay"))
	if err != nil {
		return exit.With(exit.Input, err)
	}
	if r.dryRun {
		return tryReplay(cmd, d.rules, run, out)
	}
	if r.rate > 0 {
		d.config.CustomerIO.SetRate(r.rate)
	}
	shown := cli.ShowProgress(progress, func(took time.Duration) cli.State { return replayState(run.Progress(), took) })
	err = app.Replay(cmd.Context(), d.config, d.rules, d.store, run, d.log, buildVersion())
	shown.Stop()
	const onward = "the same command goes on: it takes what is still open"
	if err != nil {
		return cli.Interrupted(cmd.Context(), lettersError(err), onward)
	}
	v := newReplayView(run, d.rules, false)
	if err := v.print(cmd.OutOrStdout(), out); err != nil {
		return err
	}
	if cmd.Context().Err() != nil {
		fmt.Fprintln(progress, "interrupted; "+onward)
	}
	return v.verdict("stayed")
}

// replayState tells how far a replay is.
func replayState(p replay.Progress, took time.Duration) cli.State {
	if p.Chosen == 0 {
		return cli.State{Text: "the letters are counted, " + took.Round(time.Second).String()}
	}
	done := p.Chosen - p.LeftOpen
	return cli.State{Done: done, Total: p.Chosen, Text: fmt.Sprintf("%d of %s: %d delivered, %d failed again, %s", done,
		output.Count(p.Chosen, "letter"), p.Delivered, p.FailedAgain, took.Round(time.Second))}
}
