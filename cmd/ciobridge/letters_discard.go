package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
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
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if note == "" {
				return exit.With(exit.Input, errors.New("--note is missing: say why the letters are discarded"))
			}
			d, chosen, err := filter.open(cmd, in, out)
			if err != nil {
				return err
			}
			defer d.close()
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

func newLettersPurge() *cobra.Command {
	var in config.Input
	var filter filterFlags
	var dryRun, includeOpen, yes bool
	var out format
	cmd := &cobra.Command{
		Use:   "purge",
		Short: "Remove resolved dead letters for good",
		Long: "Remove the records of the resolved letters that meet every condition given, with their resolutions, " +
			"such as those of a\nperson who has a right to it. Open letters stay unless --include-open is given. A " +
			"record with letters that are not chosen\nstays. A file has its lines overwritten, and a stream its " +
			"messages; of a topic of Kafka what stays is written again\nat its end, and what stood before is taken " +
			"away. Mirrors and backups are not reached.",
		Example: "  ciobridge dlq purge --person email:ann@example.com --dry-run\n" +
			"  ciobridge dlq purge --person email:ann@example.com --include-open --yes",
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case !dryRun && !yes:
				return exit.With(exit.Input, errors.New("what is purged cannot be brought back: look with "+
					"--dry-run, and give --yes"))
			case filter.limit != 0:
				return exit.With(exit.Input, errors.New("--limit: works with open letters, and not with purge"))
			}
			d, chosen, err := filter.open(cmd, in, out)
			if err != nil {
				return err
			}
			defer d.close()
			n, err := purge(cmd.Context(), d, chosen, includeOpen, dryRun)
			if err != nil {
				return lettersError(err)
			}
			return printPurged(cmd, n, dryRun, out)
		},
	}
	configFlags(cmd, &in)
	outputFlag(cmd, &out)
	filter.add(cmd)
	cmd.Flags().BoolVar(&includeOpen, "include-open", false, "remove open letters, too, which nobody can replay then")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "count, and remove nothing")
	cmd.Flags().BoolVar(&yes, "yes", false, "accept that nothing brings them back")
	return cmd
}

// purge removes letters. It holds the lock of a replay, which could be sending them.
func purge(
	ctx context.Context, d *lettersClient, chosen deadletter.Filter, open, dryRun bool,
) (deadletter.Purged, error) {
	if !dryRun {
		lock, err := d.store.Lock(ctx, deadletter.LogWaiting(d.log))
		if err != nil {
			return deadletter.Purged{}, err
		}
		defer lock.Release()
	}
	return deadletter.Purge(ctx, d.store, chosen, open, dryRun)
}

func printPurged(cmd *cobra.Command, n deadletter.Purged, dryRun bool, out format) error {
	w := cmd.OutOrStdout()
	if out == asJSON {
		return output.JSON(w, map[string]any{"letters": n.Letters, "resolutions": n.Resolutions, "left_open": n.Open,
			"left_shared": n.Shared, "dry_run": dryRun})
	}
	verb := "purged"
	if dryRun {
		verb = "would purge"
	}
	fmt.Fprintf(w, "%s %s and %s\n", verb, output.Count(n.Letters, "letter"), output.Count(n.Resolutions, "resolution"))
	if n.Open > 0 {
		fmt.Fprintf(w, "%d left: open; discard them first, or give --include-open\n", n.Open)
	}
	if n.Shared > 0 {
		fmt.Fprintf(w, "%d left: letters that were not chosen, or are open, stand in the same records\n", n.Shared)
	}
	return nil
}
