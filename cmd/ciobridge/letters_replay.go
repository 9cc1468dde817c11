package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/deadletter/replay"
	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/output"
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
			"The exit code is 1 when letters that were chosen stay open, or would with --dry-run, and 5 when " +
			"Customer.io could not be reached.",
		Example: "  ciobridge dlq replay --reason missing_field --dry-run\n" +
			"  ciobridge dlq replay --rule order --event-after 2026-10-05 --rate 10\n" +
			"  ciobridge dlq replay --all",
		Args: noArgs,
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
}

func (r *replayFlags) add(cmd *cobra.Command) {
	r.filter.add(cmd)
	cmd.Flags().BoolVar(&r.dryRun, "dry-run", false, "show what would be sent, and send nothing")
	cmd.Flags().IntVar(&r.rate, "rate", 0,
		"at most so many requests a second; 0 means customerio.requests_per_second, "+
			"which a bridge beside it uses too")
	cmd.Flags().BoolVar(&r.includeDestructive, "include-destructive", false,
		"send calls that "+destructive()+" people, too")
}

// given reports whether any of the flags was.
func (r *replayFlags) given() bool {
	f := &r.filter
	return f.chooses() || f.all || f.limit != 0 || f.partition != 0 || f.offset != "" || r.dryRun || r.rate != 0 ||
		r.includeDestructive
}

// run replays, or tries to, and tells what came of it.
func (r *replayFlags) run(cmd *cobra.Command, d *lettersClient, out format) error {
	if r.rate < 0 {
		return exit.With(exit.Input, fmt.Errorf("--rate: %d is negative", r.rate))
	}
	chosen, err := r.filter.filter(cmd, d)
	if err != nil {
		return err
	}
	progress := cmd.ErrOrStderr()
	if out == asJSON {
		progress = io.Discard
	}
	var skip []string
	if !r.includeDestructive {
		skip = customerio.DestructiveActions()
	}
	run, err := replay.New(d.store, d.rules.ForReplay(), replay.Options{
		Filter: chosen, Skip: skip, Confirm: func(p replay.Progress) error {
			fmt.Fprintf(progress, "replaying %d of %s\n", p.Chosen, output.Count(p.Open, "open letter"))
			return nil
		},
	}, d.log.Named("replay"))
	if err != nil {
		return exit.With(exit.Input, err)
	}
	if r.dryRun {
		return tryReplay(cmd, run, out)
	}
	if r.rate > 0 {
		d.config.CustomerIO.RequestsPerSecond = r.rate
	}
	if err := app.Replay(cmd.Context(), d.config, d.rules, d.store, run, d.log, buildVersion()); err != nil {
		return lettersError(err)
	}
	v := replayView{run.Progress(), run.UnknownRules()}
	if err := v.print(cmd.OutOrStdout(), out); err != nil {
		return err
	}
	return v.verdict("stayed")
}

// replayView tells what became of the letters of a replay.
type replayView struct {
	replay.Progress
	unknown []replay.UnknownRule
}

func (v replayView) print(w io.Writer, f format) error {
	if f == asJSON {
		return output.JSON(w, map[string]any{
			"open": v.Open, "chosen": v.Chosen, "delivered": v.Delivered, "failed_again": v.FailedAgain, "gone": v.Gone,
			"left_open": v.LeftOpen, "unmatched": v.Unmatched, "destructive": v.Destructive, "cut": v.Truncated,
			"unresolved": v.Unresolved,
			"missing":    unknownViews(v.unknown),
		})
	}
	fmt.Fprintf(w, "replayed %d of %s: %d delivered, %d failed again, %d left open\n",
		v.Chosen, output.Count(v.Open, "open letter"), v.Delivered, v.FailedAgain, v.LeftOpen)
	v.reasons(w)
	return nil
}

// reasons tells why letters are left open, and what to do about it.
func (v replayView) reasons(w io.Writer) {
	unmatched := v.Unmatched
	for _, m := range v.unknown {
		unmatched -= m.Letters
		if m.Call == "" {
			fmt.Fprintf(w, "%d left open: they are of rule %q, which is gone; give the rule "+
				"that makes their calls now this name again (name: %s) until they "+
				"are replayed, or discard them\n", m.Letters, m.Rule, yamlText(m.Rule))
		} else {
			fmt.Fprintf(w, "%d left open: they are of call %q of rule %q, which is gone; "+
				"give the call that takes its place this name again (call: %s "+
				"beside its action), or discard them\n", m.Letters, m.Call, m.Rule, yamlText(m.Call))
		}
	}
	for _, line := range []struct {
		n   int
		why string
	}{
		{unmatched, "left open: today's rules make no call of them; mend the rule, or discard them"},
		{v.Destructive, "left open: they " + destructive() + "; --include-destructive sends those too"},
		{v.Truncated, "left open: they were too large to be kept whole; take the originals from their source"},
		{v.Gone, "gone: the log's retention took them away"},
		{v.Unresolved, "delivered, but that could not be noted: the next replay sends them again"},
	} {
		if line.n > 0 {
			fmt.Fprintf(w, "%d %s\n", line.n, line.why)
		}
	}
}

// yamlText is a text as it stands in a rule file.
func yamlText(s string) string {
	raw, err := json.Marshal(s)
	if err != nil {
		return strconv.Quote(s)
	}
	return string(raw)
}

// unknownView is a rule, or a call of a rule, that is gone.
type unknownView struct {
	Rule    string `json:"rule"`
	Call    string `json:"call,omitempty"`
	Letters int    `json:"letters"`
}

func unknownViews(unknown []replay.UnknownRule) []unknownView {
	views := make([]unknownView, len(unknown))
	for i, m := range unknown {
		views[i] = unknownView(m)
	}
	return views
}

// verdict is the error with which a replay ends, or would end.
func (v replayView) verdict(stay string) error {
	if open := v.FailedAgain + v.LeftOpen + v.Unresolved; open > 0 {
		return exit.With(exit.Failure, fmt.Errorf("%s of those chosen %s open", output.Count(open, "letter"), stay))
	}
	return nil
}

// destructive lists what cannot be taken back: a, b or c.
func destructive() string { return choice.List(customerio.DestructiveActions()) }
