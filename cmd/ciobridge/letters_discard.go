package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/deadletter"
)

// discardsAtOnce is how many resolutions one write stores.
const discardsAtOnce = 100

func newLettersDiscard() *cobra.Command {
	var path, note string
	var filter filterFlags
	var dryRun bool
	var out format
	cmd := &cobra.Command{
		Use:   "discard",
		Short: "Close dead letters that nobody needs",
		Long: "Close the open letters that meet every condition given. They stay in the log with a note that says why, and no replay\n" +
			"takes them again. There is no question asked; --dry-run counts first.",
		Example: "  ciobridge dlq discard --rule trial_event --failed-before 2026-10-05 --note 'test traffic' --dry-run\n" +
			"  ciobridge dlq discard --id 01JBM6W3Q0V9T3Y1H2X4C5D6E7 --note 'customer has left'",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if note == "" {
				return exit(exitInput, errors.New("--note is missing: say why the letters are discarded"))
			}
			d, err := openDesk(cmd, path, out)
			if err != nil {
				return err
			}
			defer d.close()
			chosen, err := filter.filter(cmd, d)
			if err != nil {
				return err
			}
			progress := cmd.ErrOrStderr()
			if out == asJSON {
				progress = io.Discard
			}
			n, err := discard(cmd.Context(), d, chosen, note, dryRun, progress)
			if err != nil {
				return lettersError(err)
			}
			if out == asJSON {
				return printJSON(cmd.OutOrStdout(), map[string]any{"discarded": n, "dry_run": dryRun})
			}
			if dryRun {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "would discard %s\n", count(n, "letter"))
			} else {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "discarded %s\n", count(n, "letter"))
			}
			return err
		},
	}
	configFlag(cmd, &path)
	outputFlag(cmd, &out)
	filter.add(cmd)
	cmd.Flags().StringVar(&note, "note", "", "why, for those who look later")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "count, and discard nothing")
	return cmd
}

// discard resolves the chosen letters and returns how many they were. It holds the lock of a replay, which would otherwise send
// what was just discarded.
func discard(ctx context.Context, d *desk, chosen deadletter.Filter, note string, dryRun bool, progress io.Writer) (int, error) {
	if !dryRun {
		hold, err := d.store.Lock(ctx)
		if err != nil {
			return 0, err
		}
		defer hold.Release()
	}
	var resolutions []deadletter.Resolution
	for l, err := range deadletter.List(ctx, d.store, chosen) {
		if err != nil {
			return 0, err
		}
		resolutions = append(resolutions, l.Resolve(deadletter.Discarded, note))
	}
	if dryRun {
		return len(resolutions), nil
	}
	fmt.Fprintf(progress, "discarding %s\n", count(len(resolutions), "letter"))
	for done := 0; done < len(resolutions); done += discardsAtOnce {
		if err := d.store.Resolve(ctx, resolutions[done:min(done+discardsAtOnce, len(resolutions))]...); err != nil {
			return 0, fmt.Errorf("after %s: %w", count(done, "letter"), err)
		}
	}
	return len(resolutions), nil
}
