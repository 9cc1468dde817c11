package reports

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/report"
)

// New makes the command, without its subcommands.
func New() *cobra.Command {
	return &cobra.Command{
		Use:   "reports",
		Short: "Run reports of Customer.io by hand, and show how they stand",
		Long: "A report is read from Customer.io's App API, and each row of it is published as an event. The bridge " +
			"runs the reports of\nits configuration by their schedules (ciobridge run); these commands run one by " +
			"hand, and show how they stand.",
		Example: "  ciobridge reports list\n" +
			"  ciobridge reports run campaigns --dry-run -o json\n" +
			"  ciobridge reports status",
	}
}

// Commands are the subcommands. ConfigFlags adds the flags that say what the configuration is read from.
func Commands(configFlags func(*cobra.Command, *config.Input)) []*cobra.Command {
	return []*cobra.Command{newRun(configFlags), newList(configFlags), newStatus(configFlags)}
}

// format is how results are printed.
type format string

const (
	asText format = "text"
	asJSON format = "json"
	asCSV  format = "csv"
)

var formats = []string{string(asText), string(asJSON), string(asCSV)}

// Set implements the flag's value.
func (f *format) Set(s string) error {
	if !slices.Contains(formats, s) {
		return errors.New("want " + choice.List(formats))
	}
	*f = format(s)
	return nil
}

func (f *format) String() string { return string(*f) }

// Type names the value in help texts.
func (*format) Type() string { return "format" }

func outputFlag(cmd *cobra.Command, f *format) {
	*f = asText
	cmd.Flags().VarP(f, "output", "o", "how to print results: "+choice.List(formats)+"; with json errors, too")
	cli.Complete(cmd, "output", formats...)
}

// load reads a configuration that has reports.
func load(in config.Input) (config.Config, error) {
	c, err := config.Load(in)
	if err == nil && len(c.Reports) == 0 {
		err = errors.New("the configuration has no reports: docs/reports.md shows how they are written")
	}
	return c, exit.With(exit.Input, err)
}

// find is the report of a name.
func find(c config.Config, name string) (report.Config, error) {
	var names []string
	for _, r := range c.Reports {
		if r.Name == name {
			return r, nil
		}
		names = append(names, r.Name)
	}
	return report.Config{}, exit.With(exit.Input, fmt.Errorf("there is no report %q%s: want %s", name,
		choice.Near(name, names), choice.List(names)))
}
