package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/deadletter/replay"
	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/mapping"
)

// replayView tells what became of the letters of a replay.
type replayView struct {
	replay.Progress
	unknown []replay.UnknownRule
	groups  []replay.Group
	rules   *mapping.Rules
	dryRun  bool
}

func newReplayView(run *replay.Replay, rules *mapping.Rules, dryRun bool) replayView {
	return replayView{run.Progress(), run.UnknownRules(), run.Groups(), rules, dryRun}
}

func (v replayView) print(w io.Writer, f format) error {
	if f == asJSON {
		return output.JSON(w, map[string]any{
			"open": v.Open, "chosen": v.Chosen, "delivered": v.Delivered, "failed_again": v.FailedAgain, "gone": v.Gone,
			"erased":    v.Erased,
			"left_open": v.LeftOpen, "unmatched": v.Unmatched, "destructive": v.Destructive, "cut": v.Truncated,
			"sealed":     v.Sealed,
			"held":       v.Held,
			"rows":       v.Rows,
			"unresolved": v.Unresolved, "not_gone": v.Named, "whole_rules": v.WholeRules, "undecided": v.Undecided,
			"unreadable": v.Unreadable,
			"missing":    v.unknownViews(), "dry_run": v.dryRun, "groups": v.groups,
		})
	}
	text := "replayed %d of %s: %d delivered, %d failed again, %d left open\n"
	if v.dryRun {
		text = "of %d chosen of %s: %d would be sent, %d would fail again, %d would be left open\n"
	}
	fmt.Fprintf(w, text, v.Chosen, output.Count(v.Open, "open letter"), v.Delivered, v.FailedAgain, v.LeftOpen)
	if v.Erased > 0 {
		fmt.Fprintf(w, "%d closed and not sent: their persons were erased\n", v.Erased)
	}
	v.reasons(w)
	return v.printGroups(w)
}

// reasons tells why letters are left open, and what to do about it.
func (v replayView) reasons(w io.Writer) {
	unmatched := v.Unmatched
	for _, m := range v.unknown {
		unmatched -= m.Letters
		if m.Call == "" {
			fmt.Fprintf(w, "%d left open: they are of rule %q, which is gone; give the rule that makes their "+
				"calls now this name again (name: %s) until they are replayed, replay them as that rule's with "+
				"--as RULE, or discard them%s\n",
				m.Letters, m.Rule, jsontext.Of(m.Rule), candidates(m.Rule, v.rules.RuleNames()))
		} else {
			fmt.Fprintf(w, "%d left open: they are of call %q of rule %q, which is gone; give the call that "+
				"takes its place this name again (call: %s beside its action), replay them as that call with "+
				"--as %s, or discard them%s\n",
				m.Letters, m.Call, m.Rule, jsontext.Of(m.Call), jsontext.Of(m.Rule+"/CALL"),
				candidates(m.Call, v.rules.CallNames(m.Rule)))
		}
	}
	for _, line := range []struct {
		n   int
		why string
	}{
		{unmatched, "left open: today's rules make no call of them; mend the rule, or discard them"},
		{v.Destructive, "left open: they " + destructive() + "; --include-destructive sends those too"},
		{v.Held, "left open: their workspace could not be reached or used when the replay began; " +
			"replay them when it can"},
		{v.Named, "left open: today's rules have their rules and calls, so that --as is not for them; " +
			"replay them without it"},
		{v.WholeRules, "left open: they are about a whole rule; --as RULE, without a call, replays those"},
		{v.Undecided, "left open: their calls may have been sent, and may not be sent twice; find out, and decide " +
			"with ciobridge dlq resolve LETTER --sent or --not-sent"},
		{v.Sealed, "left open: they are sealed under keys that dead_letters.keys_file does not have"},
		{v.Truncated, "left open: they were too large to be kept whole; take the originals from their source"},
		{v.Rows, "left open: they are rows of reports and no events; what was lost of a report is read again with " +
			"ciobridge reports run NAME --since TIME, and the letters can be discarded"},
		{v.Gone, "gone: the log's retention took them away"},
		{v.Unreadable, "of the log's records are damaged or of someone else, and no letters"},
		{v.Unresolved, "delivered, but that could not be noted: the next replay sends them again"},
	} {
		if line.n > 0 {
			fmt.Fprintf(w, "%d %s\n", line.n, line.why)
		}
	}
}

// mostNamed is how many names are listed where none is near.
const mostNamed = 8

// candidates tells which name may have taken the place of another one.
func candidates(gone string, names []string) string {
	switch near, ok := choice.Nearest(gone, names); {
	case ok:
		return fmt.Sprintf("; the nearest name today is %q", near)
	case len(names) == 0:
		return "; there is none today"
	case len(names) > mostNamed:
		return fmt.Sprintf("; none of today's %d names is near", len(names))
	}
	return "; today's names: " + strings.Join(quoted(names), ", ")
}

func quoted(names []string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = strconv.Quote(name)
	}
	return list
}

// unknownView is a rule, or a call of a rule, that is gone.
type unknownView struct {
	Rule    string `json:"rule"`
	Call    string `json:"call,omitempty"`
	Letters int    `json:"letters"`
	Nearest string `json:"nearest,omitempty"`
}

func (v replayView) unknownViews() []unknownView {
	views := make([]unknownView, len(v.unknown))
	for i, m := range v.unknown {
		written, names := m.Rule, v.rules.RuleNames()
		if m.Call != "" {
			written, names = m.Call, v.rules.CallNames(m.Rule)
		}
		near, _ := choice.Nearest(written, names)
		views[i] = unknownView{Rule: m.Rule, Call: m.Call, Letters: m.Letters, Nearest: near}
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

// mostPlans is how many events a dry run shows to a person one by one.
const mostPlans = 20

// tryReplay shows what a replay would do.
func tryReplay(cmd *cobra.Command, rules *mapping.Rules, run *replay.Replay, out format) error {
	w := cmd.OutOrStdout()
	shown, events := 0, 0
	_, err := run.DryRun(cmd.Context(), func(t replay.Plan) error {
		if events++; out != asJSON && shown == mostPlans {
			return nil
		}
		shown++
		return newPlanView(t).print(w, out)
	})
	if err != nil {
		return cli.Interrupted(cmd.Context(), lettersError(err), "nothing was sent")
	}
	if more := events - shown; more > 0 {
		fmt.Fprintf(w, "and %s, all of which -o json prints\n", output.Count(more, "further event"))
	}
	v := newReplayView(run, rules, true)
	if err := v.print(w, out); err != nil {
		return err
	}
	return v.verdict("would stay")
}

// planView is what a replay would make of the letters of one event.
type planView struct {
	Letters  []string       `json:"letters"`
	Origin   string         `json:"origin"`
	Calls    []mappedCall   `json:"calls"`
	Failures []mappedFailed `json:"failures"`
}

// newPlanView leaves the calls' bodies out: they hold personal data.
func newPlanView(t replay.Plan) planView {
	m := newMapped("", mapping.Explanation{Calls: t.Calls, Failures: t.Failures})
	v := planView{Origin: t.Letters[0].Message.Origin.String(), Calls: m.Calls, Failures: m.Failures}
	for _, l := range t.Letters {
		v.Letters = append(v.Letters, l.ID().String())
	}
	for i := range v.Calls {
		v.Calls[i].Body, v.Calls[i].Request = nil, ""
	}
	return v
}

func (v planView) print(w io.Writer, f format) error {
	if f == asJSON {
		return output.JSON(w, v)
	}
	for _, id := range v.Letters {
		fmt.Fprintf(w, "letter %s of %s\n", id, output.Printable(v.Origin))
	}
	for _, c := range v.Calls {
		fmt.Fprintf(w, "  send %s\n", c)
	}
	for _, f := range v.Failures {
		fmt.Fprintf(w, "  %s\n", f)
	}
	if len(v.Calls)+len(v.Failures) == 0 {
		fmt.Fprintln(w, "  nothing to send")
	}
	return nil
}
