package backfill

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/backfill"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/output"
)

// state is how far a backfill is, in a line.
func state(p backfill.Progress, dryRun bool, took time.Duration) cli.State {
	s := cli.State{Done: int(p.Done), Total: int(p.Asked)}
	if dryRun {
		s.Done = min(p.Messages, s.Total)
	}
	s.Text = fmt.Sprintf("backfill: %d of %d read and finished, %s, %s", s.Done, s.Total,
		output.Count(p.Calls, "call"), output.Count(p.Failures, "failure"))
	if here := s.Done - int(p.Before); here > 0 && s.Done < s.Total {
		left := time.Duration(float64(took) * float64(s.Total-s.Done) / float64(here))
		s.Text += fmt.Sprintf(", about %s left", left.Round(time.Second))
	}
	if p.Behind > 0 {
		s.Text += fmt.Sprintf("; it waits for the bridge, which is %d behind", p.Behind)
	}
	return s
}

// view tells what a backfill has done, or would do.
type view struct {
	backfill.Progress
	stats  app.Stats
	dryRun bool
}

func (v view) print(w io.Writer, f cli.Format) error {
	if f == cli.JSON {
		return output.JSON(w, map[string]any{
			"dry_run": v.dryRun, "resumed": v.Resumed, "messages": v.Messages, "unwanted": v.Unwanted, "calls": v.Calls,
			"failures": v.Failures, "unreadable": v.Unreadable, "triggering": v.Triggering, "too_old": v.TooOld,
			"left_out": map[string]int{"destructive": v.Destructive, "sends": v.Once}, "gone": v.Gone,
			"delivered": v.stats.Delivered, "dead_lettered": v.stats.DeadLettered, "requests": v.stats.Requests,
			"rules": v.ByRule,
		})
	}
	read := output.Count(v.Messages, "message")
	if v.dryRun {
		fmt.Fprintf(w, "of %s %s would be sent; %d would be dead letters, %d are not wanted\n", read,
			output.Count(v.Calls, "call"), v.Failures, v.Unwanted)
	} else {
		fmt.Fprintf(w, "read %s: %d delivered, %d became dead letters, %d not wanted; %s in %s\n", read,
			v.stats.Delivered, v.stats.DeadLettered, v.Unwanted, output.Count(v.stats.CallsDelivered, "call"),
			output.Count(v.stats.Requests, "request"))
	}
	for _, r := range v.ByRule {
		v.rule(w, r)
	}
	fmt.Fprintf(w, "of %s %d can still start a campaign, and %d cannot: Customer.io starts none for what is older "+
		"than %d h\n", output.Count(v.Triggering+v.TooOld, "event"), v.Triggering, v.TooOld,
		int(customerio.TriggerWindow.Hours()))
	v.leftOut(w)
	return nil
}

// rule tells what came of a rule.
func (v view) rule(w io.Writer, r backfill.RuleTally) {
	name := r.Rule
	if name == "" {
		name = "events that cannot be read"
	}
	var calls []string
	for _, action := range slices.Sorted(maps.Keys(r.Calls)) {
		calls = append(calls, fmt.Sprintf("%d %s", r.Calls[action], action))
	}
	if len(calls) > 0 {
		fmt.Fprintf(w, "  %s: %s\n", output.Printable(name), strings.Join(calls, ", "))
	}
	for _, f := range r.Failures {
		line := fmt.Sprintf("  %s: %d %s %s", output.Printable(name), f.Count, f.Reason, output.Printable(f.Field))
		line = strings.TrimRight(line, " ")
		if f.Detail != "" {
			line += ": " + output.Printable(f.Detail)
		}
		fmt.Fprintln(w, line)
	}
}

// leftOut tells what was left out, and how it is included.
func (v view) leftOut(w io.Writer) {
	for _, line := range []struct {
		n         int
		what, why string
	}{
		{v.Destructive, "call", "left out, which would " + choice.List(customerio.DestructiveActions()) +
			": --include-destructive sends those too"},
		{v.Once, "call", "left out, which would send a message or count twice when made twice: --include-sends sends " +
			"those too"},
		{v.Unreadable, "message", "left out that no rule can read: the bridge has told of them"},
		{int(v.Gone), "message", "gone: the broker discarded them before they were read"},
	} {
		if line.n > 0 {
			fmt.Fprintf(w, "%s %s\n", output.Count(line.n, line.what), line.why)
		}
	}
}
