package reports

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/report"
)

func newList(configFlags func(*cobra.Command, *config.Input)) *cobra.Command {
	var in config.Input
	var out format
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the reports of a configuration",
		Long: "List the reports of a configuration: what each reads, where it publishes, and when it runs next. " +
			"Neither a broker nor\nCustomer.io is asked.",
		Example: "  ciobridge reports list -c ciobridge.yaml",
		Args:    cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := load(in)
			if err != nil {
				return err
			}
			t := table{heading: []string{"REPORT", "TYPE", "WORKSPACES", "SCHEDULE", "NEXT", "TO"}}
			for _, r := range c.Reports {
				schedule, err := report.ParseSchedule(r.Schedule)
				if err != nil {
					return exit.With(exit.Input, err)
				}
				v := listed{r.Name, r.Type, r.In(), schedule.String(), schedule.Next(time.Now()).UTC(), r.To.Place()}
				t.add(v, v.Name, v.Type, workspaceNames(v.Workspaces), v.Schedule, timeText(v.Next), v.To)
			}
			return t.print(cmd.OutOrStdout(), out)
		},
	}
	configFlags(cmd, &in)
	outputFlag(cmd, &out)
	return cmd
}

// listed is a report as list prints it.
type listed struct {
	Name       string    `json:"report"`
	Type       string    `json:"type"`
	Workspaces []string  `json:"workspaces"` // that of the first is empty
	Schedule   string    `json:"schedule"`
	Next       time.Time `json:"next,omitzero"`
	To         string    `json:"to"`
}

func newStatus(configFlags func(*cobra.Command, *config.Input)) *cobra.Command {
	var in config.Input
	var out format
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how the reports stand",
		Long: "Show of each report, in each workspace, when it ran last, what came of it, and when it runs next, as " +
			"their state has it.\nA bridge may run beside.",
		Example: "  ciobridge reports status -c ciobridge.yaml\n" +
			"  ciobridge reports status -o json",
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := load(in)
			if err != nil {
				return err
			}
			log, err := cli.QuietLogger(cmd, out == asJSON)
			if err != nil {
				return err
			}
			r, err := app.ReachReports(cmd.Context(), c, log)
			if err != nil {
				return err
			}
			defer r.Close()
			list, err := r.Status(cmd.Context())
			if err != nil {
				return err
			}
			return printStatus(cmd.OutOrStdout(), list, out)
		},
	}
	configFlags(cmd, &in)
	outputFlag(cmd, &out)
	return cmd
}

func printStatus(w io.Writer, list []report.Status, out format) error {
	t := table{heading: []string{"REPORT", "WORKSPACE", "LAST", "STATE", "ROWS", "PUBLISHED", "UNCHANGED",
		"DEAD LETTERS", "NEXT", "TROUBLE"}}
	for _, s := range list {
		n := s.Counts
		t.add(s, s.Report, s.Workspace, timeText(s.At), state(s), strconv.Itoa(n.Rows), strconv.Itoa(n.Published),
			strconv.Itoa(n.Unchanged), strconv.Itoa(n.Malformed+n.TooLarge), timeText(s.Next), s.Trouble)
	}
	return t.print(w, out)
}

// state is how the last run of a report stands, in a word.
func state(s report.Status) string {
	switch {
	case s.At.IsZero():
		return "never run"
	case s.Ended.IsZero():
		return "open"
	case s.Trouble != "":
		return "failed"
	}
	return "done"
}

func workspaceNames(names []string) string {
	shown := make([]string, len(names))
	for i, name := range names {
		shown[i] = output.Dash(name)
	}
	return strings.Join(shown, ", ")
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// A table is a list of results in each of the forms.
type table struct {
	heading []string
	rows    [][]string
	values  []any
}

func (t *table) add(value any, cells ...string) {
	t.values = append(t.values, value)
	t.rows = append(t.rows, cells)
}

func (t *table) print(w io.Writer, f format) error {
	switch f {
	case asJSON:
		for _, v := range t.values {
			if err := output.JSON(w, v); err != nil {
				return err
			}
		}
		return nil
	case asCSV:
		c := csv.NewWriter(w)
		head := make([]string, len(t.heading))
		for i, name := range t.heading {
			head[i] = strings.ReplaceAll(strings.ToLower(name), " ", "_")
		}
		if err := c.WriteAll(append([][]string{head}, t.rows...)); err != nil {
			return fmt.Errorf("write the result: %w", err)
		}
		return nil
	}
	rows := [][]string{t.heading}
	for _, row := range t.rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = output.Dash(cell)
		}
		rows = append(rows, cells)
	}
	return output.Table(w, rows)
}
