package dryrun

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/app/status"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/mapping"
)

// result is what would come of the records.
type result struct {
	Hash        string         `json:"config_hash"`
	Records     int            `json:"records"`
	Calls       int            `json:"calls"`
	Letters     int            `json:"dead_letters"`
	Interrupted bool           `json:"interrupted,omitempty"` // there was more to read
	Rules       []ofRule       `json:"rules"`
	Skipped     status.Skipped `json:"skipped"`
}

type ofRule struct {
	Rule    string `json:"rule"`
	Matched uint64 `json:"matched"`
	Skipped uint64 `json:"skipped"`
	Calls   uint64 `json:"calls"`
	Unsent  uint64 `json:"not_sent"`
	Failed  uint64 `json:"failed"`
}

// Run maps what the bridge would read next, up to what there is when it begins, and prints totals by rule. It ends
// earlier, with the totals so far, when the command is stopped.
func Run(cmd *cobra.Command, c config.Config, rules *mapping.Rules, asJSON bool) error {
	if section := c.Source.Section(); section.Ends() {
		return exit.With(exit.Input, fmt.Errorf("--dry-run: source.%s has no position to read from: ciobridge map "+
			"shows what its events become", section.Kind()))
	}
	log, err := cli.QuietLogger(cmd, asJSON)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	source, err := cli.OpenSource(ctx, c, rules, log)
	if err != nil {
		return err
	}
	defer source.Close()
	extents, err := source.Ahead(ctx)
	if err != nil {
		return exit.With(exit.Broker, fmt.Errorf("look how far the source has been read: %w", err))
	}
	r := result{Hash: rules.Hash()}
	err = source.Read(ctx, extents, func(m *event.Message) error {
		calls, failures := rules.Map(m)
		r.Records, r.Calls, r.Letters = r.Records+1, r.Calls+len(calls), r.Letters+len(failures)
		return nil
	})
	if r.Interrupted = ctx.Err() != nil; err != nil && !r.Interrupted {
		return err
	}
	r.count(rules)
	return r.print(cmd.OutOrStdout(), asJSON)
}

func (r *result) count(rules *mapping.Rules) {
	for _, s := range rules.Stats() {
		r.Rules = append(r.Rules, ofRule{s.Rule, s.Matched, s.Skipped, s.Calls, s.Unsent, s.Failed})
	}
	r.Skipped = status.Skipped(rules.Skips())
}

// print tells the totals.
func (r *result) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return output.JSON(w, r)
	}
	state := "nothing was sent, committed or stored"
	if r.Interrupted {
		state = "interrupted before the end; " + state
	}
	fmt.Fprintf(w, "%s, %s, %s: %s\n", output.Count(r.Records, "record"), output.Count(r.Calls, "call"),
		output.Count(r.Letters, "dead letter"), state)
	rows := [][]string{{"rule", "matched", "skipped", "calls", "not sent", "failed"}}
	for _, s := range r.Rules {
		row := []string{s.Rule}
		for _, n := range []uint64{s.Matched, s.Skipped, s.Calls, s.Unsent, s.Failed} {
			row = append(row, strconv.FormatUint(n, 10))
		}
		rows = append(rows, row)
	}
	if err := output.Table(w, rows); err != nil {
		return err
	}
	k := r.Skipped
	_, err := fmt.Fprintf(w, "events of which nothing comes: no rule %d, condition %d, no call %d, no event %d, "+
		"not sent %d\n", k.NoRule, k.Condition, k.NoCall, k.NoEvent, k.Unsent)
	return err
}
