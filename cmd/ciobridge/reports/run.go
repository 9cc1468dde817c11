package reports

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/report"
	"github.com/ciobridge/ciobridge/report/read"
)

// runFlags say what is run, and how.
type runFlags struct {
	in           config.Input
	since, until string
	workspaces   []string
	dryRun       bool
	out          format
}

func newRun(configFlags func(*cobra.Command, *config.Input)) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run NAME",
		Short: "Run a report now",
		Long: "Run a report now, and publish what is new: rows that were published before and have not changed are " +
			"left out, and numbers\nthat have changed are published with the next revision. A bridge may run beside; " +
			"while it runs reports, this waits.\n\n" +
			"A run can be interrupted at any time: the next one, by hand or by the bridge, finishes it, and nothing " +
			"is published twice.\n\n" +
			"--dry-run prints the events instead, which hold whatever the report does; nothing is published and " +
			"nothing is noted.\nCSV is then one line a row.\n\n" +
			"The exit code is 0 where the run is done, 2 for what is typed wrong, 3 where the App key is refused, 4 " +
			"where the broker\ncannot be used, 5 where Customer.io cannot, and 1 where the run was interrupted.",
		Example: "  ciobridge reports run campaigns\n" +
			"  ciobridge reports run campaigns --since 2026-10-01 --until 2026-10-05\n" +
			"  ciobridge reports run customers --dry-run -o json",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return exit.With(exit.Input, fmt.Errorf("%s: want the name of one report, as ciobridge reports list "+
					"has it", cmd.CommandPath()))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	configFlags(cmd, &f.in)
	outputFlag(cmd, &f.out)
	set := cmd.Flags()
	set.StringVar(&f.since, "since", "", "read the time from here on instead of what the report's params say: RFC "+
		"3339, a date, or how long ago, such as 48h")
	set.StringVar(&f.until, "until", "", "up to here; now where only --since is given")
	set.StringArrayVar(&f.workspaces, "workspace", nil, "only this workspace of the report; may be repeated")
	set.BoolVar(&f.dryRun, "dry-run", false, "print what would be published, and publish nothing")
	return cmd
}

func (f *runFlags) run(cmd *cobra.Command, name string) error {
	c, rules, err := app.Load(f.in)
	if err != nil {
		return err
	}
	r, err := find(c, name)
	if err != nil {
		return err
	}
	hand := report.Hand{Workspaces: f.workspaces}
	hand.Window, err = window(f.since, f.until, time.Now())
	if err == nil && hand.Window != (report.Window{}) && !read.Timed(r.Type) {
		err = fmt.Errorf("--since: a report of type %s tells what is so now, and of no other time", r.Type)
	}
	if err = cmp.Or(err, checkWorkspaces(r, f.workspaces)); err != nil {
		return exit.With(exit.Input, err)
	}
	log, err := cli.QuietLogger(cmd, f.out == asJSON)
	if err != nil {
		return err
	}
	reporter, err := app.ReachReport(cmd.Context(), c, name, rules.Hash(), log)
	if err != nil {
		return err
	}
	defer reporter.Close()
	told := cmd.ErrOrStderr()
	if f.out == asJSON {
		told = io.Discard
	}
	hand.Standby = func() { fmt.Fprintln(told, "another process runs reports just now; waiting until it has ended") }
	p := &progress{name: name}
	hand.Progress = p.count
	shown := cli.ShowProgress(told, p.state)
	defer shown.Stop()
	if f.dryRun {
		return interrupted(cmd.Context(), name, f.preview(cmd, reporter, hand, told, shown.Stop))
	}
	list, err := reporter.Run(cmd.Context(), hand)
	shown.Stop()
	if err != nil {
		return interrupted(cmd.Context(), name, err)
	}
	w := cmd.OutOrStdout()
	if r.To.File == "-" { // where the rows are
		w = cmd.ErrOrStderr()
	}
	return printStatus(w, list, f.out)
}

// interrupted says of a run that was stopped how to go on.
func interrupted(ctx context.Context, name string, err error) error {
	return cli.Interrupted(ctx, err, fmt.Sprintf("what was published is known: ciobridge reports run %s finishes it, "+
		"and so does the bridge", name))
}

// window is the time that flags ask for; zero where they do not.
func window(since, until string, now time.Time) (w report.Window, err error) {
	if w.Start, err = cli.ParseTime(since, now); err != nil {
		return w, fmt.Errorf("--since %q: %w", since, err)
	}
	if w.End, err = cli.ParseTime(until, now); err != nil {
		return w, fmt.Errorf("--until %q: %w", until, err)
	}
	switch {
	case since == "" && until == "":
		return w, nil
	case since == "":
		return w, errors.New("--until: give --since, too")
	case until == "":
		w.End = now
	}
	if !w.Start.Before(w.End) {
		return w, errors.New("--since: is not before --until, which is now where it is left out")
	}
	w.Start, w.End = w.Start.UTC().Truncate(time.Second), w.End.UTC().Truncate(time.Second)
	return w, nil
}

func checkWorkspaces(r report.Config, chosen []string) error {
	for _, name := range chosen {
		if !slices.Contains(r.In(), name) {
			return fmt.Errorf("--workspace %q: the report reads %s", name, workspaceNames(r.In()))
		}
	}
	return nil
}
