package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/internal/output"
)

func newLettersList() *cobra.Command {
	var in config.Input
	var filter filterFlags
	var out format
	var showValues bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List open dead letters",
		Long: "List the open dead letters that meet every condition given, in the order in which a replay would take " +
			"them; all of them\nwithout a condition.",
		Example: "  ciobridge dlq list --reason missing_field,rule_error --failed-after 24h\n" +
			"  ciobridge dlq list --topic shop.orders --partition 3 --offset 100..200 -o json",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter.all = filter.all || !filter.chooses()
			d, chosen, err := filter.open(cmd, in, out)
			if err != nil {
				return err
			}
			defer d.close()
			return lettersError(listLetters(cmd, d, chosen, out, showValues))
		},
	}
	configFlags(cmd, &in)
	outputFlag(cmd, &out)
	filter.add(cmd)
	showValuesFlag(cmd, &showValues)
	return cmd
}

func showValuesFlag(cmd *cobra.Command, show *bool) {
	cmd.Flags().BoolVar(show, "show-values", false,
		"print keys, headers and values, which hold personal data, instead "+
			"of their shape")
}

func listLetters(cmd *cobra.Command, d *lettersClient, chosen deadletter.Filter, out format, showValues bool) error {
	w := cmd.OutOrStdout()
	rows := [][]string{{"LETTER", "FIRST FAILED", "REASON", "RULE", "CALL", "ORIGIN", "ATTEMPTS", "FIELD"}}
	if showValues {
		rows[0] = append(rows[0], "VALUE")
	}
	for l, err := range deadletter.List(cmd.Context(), d.store, chosen) {
		if err != nil {
			return err
		}
		v := newLetterView(cmd.Context(), d, l, showValues)
		if out == asJSON {
			if err := output.JSON(w, v); err != nil {
				return err
			}
			continue
		}
		row := []string{
			v.ID, v.FirstFailed.Format(time.RFC3339), v.Reason, output.Dash(v.Rule), output.Dash(v.Call),
			output.Printable(l.Message.Origin.String()),
			strconv.Itoa(v.Attempts), output.Dash(v.Field),
		}
		if showValues {
			value := v.Value
			if v.Content != nil {
				value = v.Content
			}
			row = append(row, textOf(value))
		}
		rows = append(rows, row)
	}
	if out == asJSON {
		return nil
	}
	if len(rows) == 1 {
		_, err := fmt.Fprintln(w, "no open letter")
		return err
	}
	return output.Table(w, rows)
}
