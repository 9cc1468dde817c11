package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/output"
)

func newLettersDiscard() *cobra.Command {
	var in config.Input
	var note string
	var filter filterFlags
	var dryRun bool
	var out format
	cmd := &cobra.Command{
		Use:   "discard",
		Short: "Close dead letters that nobody needs",
		Long: "Close the open letters that meet every condition given. They stay in the log with a note that says " +
			"why, and no replay\ntakes them again. There is no question asked; --dry-run counts first.",
		Example: "  ciobridge dlq discard --rule trial_event --failed-before " +
			"2026-10-05 --note 'test traffic' --dry-run\n" +
			"  ciobridge dlq discard --id 01JBM6W3Q0V9T3Y1H2X4C5D6E7 --note 'customer has left'",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if note == "" {
				return exit.With(exit.Input, errors.New("--note is missing: say why the letters are discarded"))
			}
			d, err := openLetters(cmd, in, out)
			if err != nil {
				return err
			}
			defer d.close()
			chosen, err := filter.filter(cmd, d)
			if err != nil {
				return err
			}
			n, err := discard(cmd.Context(), d, chosen, note, dryRun)
			if err != nil {
				return lettersError(err)
			}
			if out == asJSON {
				return output.JSON(cmd.OutOrStdout(), map[string]any{"discarded": n, "dry_run": dryRun})
			}
			if dryRun {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "would discard %s\n", output.Count(n, "letter"))
			} else {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "discarded %s\n", output.Count(n, "letter"))
			}
			return err
		},
	}
	configFlags(cmd, &in)
	outputFlag(cmd, &out)
	filter.add(cmd)
	cmd.Flags().StringVar(&note, "note", "", "why, for those who look later")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "count, and discard nothing")
	return cmd
}

// discard settles the chosen letters and returns how many they were. It holds the lock of a replay, which would
// otherwise send what was just discarded.
func discard(ctx context.Context, d *lettersClient, chosen deadletter.Filter, note string, dryRun bool) (int, error) {
	if dryRun {
		n := 0
		for _, err := range deadletter.List(ctx, d.store, chosen) {
			if err != nil {
				return 0, err
			}
			n++
		}
		return n, nil
	}
	lock, err := d.store.Lock(ctx, deadletter.LogWaiting(d.log))
	if err != nil {
		return 0, err
	}
	defer lock.Release()
	n, err := deadletter.Discard(ctx, d.store, chosen, note)
	if err != nil {
		return n, fmt.Errorf("after %s: %w", output.Count(n, "letter"), err)
	}
	return n, nil
}
