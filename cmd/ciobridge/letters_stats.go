package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/replay"
	"github.com/ciobridge/ciobridge/internal/output"
)

func newLettersStats() *cobra.Command {
	var in config.Input
	var out format
	cmd := &cobra.Command{
		Use:     "stats",
		Short:   "Count the dead letters",
		Long:    "Count the dead letters: how many are open and resolved, and the open ones by reason, rule and topic.",
		Example: "  ciobridge dlq stats -c ciobridge.yaml -o json",
		Args:    cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := openLetters(cmd, in, out)
			if err != nil {
				return err
			}
			defer d.close()
			s, err := deadletter.Stats(cmd.Context(), d.store)
			if err != nil {
				return lettersError(err)
			}
			return newStatsView(s).print(cmd.OutOrStdout(), out)
		},
	}
	configFlags(cmd, &in)
	outputFlag(cmd, &out)
	return cmd
}

// statsView counts the letters of a log.
type statsView struct {
	Open       int            `json:"open"`
	Resolved   int            `json:"resolved"`
	Written    int            `json:"written"`
	Cut        int            `json:"cut"`
	Unreadable int            `json:"unreadable"`
	Oldest     time.Time      `json:"oldest_open,omitzero"`
	Newest     time.Time      `json:"newest_open,omitzero"`
	ByReason   map[string]int `json:"open_by_reason"`
	ByRule     map[string]int `json:"open_by_rule"` // "" counts events that failed before any rule
	ByTopic    map[string]int `json:"open_by_topic"`
}

func newStatsView(s deadletter.Summary) statsView {
	v := statsView{
		Open: s.Open, Resolved: s.Resolved, Written: s.Written, Cut: s.Truncated, Unreadable: s.Unreadable,
		Oldest: s.Oldest, Newest: s.Newest, ByReason: map[string]int{}, ByRule: s.ByRule, ByTopic: s.ByTopic,
	}
	for r, n := range s.ByReason {
		v.ByReason[string(r)] = n
	}
	return v
}

func (v statsView) print(w io.Writer, f format) error {
	if f == asJSON {
		return output.JSON(w, v)
	}
	fmt.Fprintf(w, "%d open, %d resolved, written %d times\n", v.Open, v.Resolved, v.Written)
	if v.Cut > 0 {
		fmt.Fprintf(w, "%d of the open ones were cut to the store's limit and cannot be replayed\n", v.Cut)
	}
	if v.Unreadable > 0 {
		fmt.Fprintf(w, "%s of someone else, or damaged\n", output.Count(v.Unreadable, "record"))
	}
	if v.Open == 0 {
		return nil
	}
	fmt.Fprintf(w, "the oldest failed first at %s, the newest at %s\n\n", v.Oldest.Format(time.RFC3339),
		v.Newest.Format(time.RFC3339))
	rows := [][]string{{"OPEN", "BY", "NAME"}}
	for _, g := range []struct {
		by     string
		counts map[string]int
	}{{"reason", v.ByReason}, {"rule", v.ByRule}, {"topic", v.ByTopic}} {
		names := slices.SortedFunc(maps.Keys(g.counts), func(a, b string) int {
			return cmp.Or(cmp.Compare(g.counts[b], g.counts[a]), cmp.Compare(a, b))
		})
		for _, name := range names {
			rows = append(rows, []string{strconv.Itoa(g.counts[name]), g.by, output.Dash(name)})
		}
	}
	return output.Table(w, rows)
}

// becameTexts are what became of letters, and what would in a dry run.
var becameTexts = map[replay.Became][2]string{
	replay.BecameDelivered:   {"delivered", "would be sent"},
	replay.BecameFailedAgain: {"failed again", "would fail again"},
	replay.BecameErased:      {"closed", "would be closed"},
	replay.BecameLeftOpen:    {"left open", "would be left open"},
}

// printGroups prints what became of the letters by rule, reason and detail: of what failed again those of now, and
// else those of the letters.
func (v replayView) printGroups(w io.Writer) error {
	if len(v.groups) == 0 {
		return nil
	}
	text := 0
	if v.dryRun {
		text = 1
	}
	rows := [][]string{{"LETTERS", "OUTCOME", "RULE", "REASON", "DETAIL"}}
	for _, g := range v.groups {
		detail := g.Detail
		if g.Field != "" {
			detail = strings.TrimSuffix(g.Field+": "+detail, ": ")
		}
		rows = append(rows, []string{strconv.Itoa(g.Letters), becameTexts[g.Became][text], output.Dash(g.Rule),
			string(g.Reason), output.Dash(detail)})
	}
	fmt.Fprintln(w)
	return output.Table(w, rows)
}
