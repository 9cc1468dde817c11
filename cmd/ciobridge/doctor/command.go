package doctor

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/app/doctor"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/source"
)

// New makes the command. ConfigFlags adds the flags that name a configuration.
func New(configFlags func(*cobra.Command, *config.Input)) *cobra.Command {
	var in config.Input
	var strict bool
	o := doctor.Options{}
	var out cli.Format
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Examine what a bridge needs: rights, retention, partitioning, clocks, credentials",
		Long: "Look at everything that a configuration names, and say of each thing whether it is ok, a warning or a " +
			"failure, and what\nto do: rights on topics, group and JetStream, retention against an outage, replicas, " +
			"sizes, where the group stands, whether\nthe events of a person share a partition, the place of dead " +
			"letters, clocks, Customer.io's credentials and region.\n\n" +
			"Nothing is changed, and a bridge that runs does not notice: no group is joined, nothing is made, " +
			"published or committed.\nA few of the newest events are read and mapped; nothing personal is " +
			"printed.\n\n" +
			"The exit code is that of the first failure, as ciobridge run would end: 2 the region, 3 credentials, " +
			"4 the broker,\n5 Customer.io. Warnings alone are 0, and with --strict 6.",
		Example: "  ciobridge doctor -c ciobridge.yaml\n" +
			"  ciobridge doctor --max-outage 168h --strict\n" +
			"  ciobridge doctor -o json | jq -r '.findings[] | select(.grade != \"ok\") | .do'",
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Sample < 0 || o.Outage < 0 {
				return exit.With(exit.Input, errors.New("--sample and --max-outage cannot be negative"))
			}
			c, rules, err := app.Load(in)
			if err != nil {
				return err
			}
			log, err := cli.QuietLogger(cmd, out == cli.JSON)
			if err != nil {
				return exit.With(exit.Input, err)
			}
			findings := doctor.Examine(cmd.Context(), c, rules, o, log)
			code, verdict := doctor.Worst(findings, strict)
			if err := print(cmd.OutOrStdout(), findings, verdict == nil, out); err != nil {
				return err
			}
			return exit.With(code, verdict)
		},
	}
	configFlags(cmd, &in)
	cli.OutputFlag(cmd, &out)
	cmd.Flags().BoolVar(&strict, "strict", false, "take warnings for failures")
	cmd.Flags().DurationVar(&o.Outage, "max-outage", 72*time.Hour, "how long an outage may last that loses nothing")
	cmd.Flags().IntVar(&o.Sample, "sample", 200, "how many of the newest events of each partition to look at; 0 is "+
		"none")
	return cmd
}

type report struct {
	OK       bool             `json:"ok"`
	Findings []source.Finding `json:"findings"`
}

func print(w io.Writer, findings []source.Finding, ok bool, f cli.Format) error {
	if f == cli.JSON {
		return output.JSON(w, report{ok, findings})
	}
	for _, f := range findings {
		line := fmt.Sprintf("%-8s %s: %s", f.Grade, f.What, f.Found)
		if _, err := fmt.Fprintln(w, output.Printable(line)); err != nil {
			return err
		}
		if f.Do != "" {
			fmt.Fprintln(w, output.Printable("         -> "+f.Do))
		}
	}
	return nil
}
