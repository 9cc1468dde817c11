package difference

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/ruleset"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/mapping"
)

type flags struct {
	in               config.Input
	older, newer     []string
	topic, last      string
	file             string
	values, exitCode bool
	out              cli.Format
}

// New makes the command. ConfigFlags adds the flags that say what the configuration is read from.
func New(configFlags func(*cobra.Command, *config.Input)) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "diff --old FILE [--new FILE] (--file EVENTS | --last TIME)",
		Short: "Show what changed rules would do otherwise",
		Long: "Map the same records by the rules of before and by the new ones, and tell what differs: calls that " +
			"are added, removed\nand changed by rule, with examples; dead letters; how many requests each needs at " +
			"least; people whom only the new rules\nname; and calls that would count twice, because they get " +
			"another identity. Nothing is sent, committed or stored.\n\n" +
			"Records come from a file, which holds an event a line, or one event as a whole, or from what the source " +
			"has kept;\na bridge that runs is not disturbed. Old and new are configurations or rule files; without " +
			"--new the new\nrules are those of --config. Values are masked unless --show-values is given.\n\n" +
			"The exit code is 2 when an event of the file is no JSON, which is left out, and with --exit-code 6 when " +
			"something\ndiffers.",
		Example: "  ciobridge diff --old rules/order.yaml --new rules/order-2.yaml --file events.ndjson\n" +
			"  ciobridge diff -c ciobridge.yaml --old production.yaml --topic shop.orders --last 1h --exit-code",
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	configFlags(cmd, &f.in)
	cli.OutputFlag(cmd, &f.out)
	set := cmd.Flags()
	set.StringArrayVar(&f.older, "old", nil, "the rules of before: a configuration or rule file; may be repeated")
	set.StringArrayVar(&f.newer, "new", nil, "the new rules: a configuration or rule file; may be repeated")
	set.StringVar(&f.topic, "topic", "", "only records of this topic or stream; with --file, where its events stand")
	set.StringVar(&f.last, "last", "", "records of the source since then: how long ago such as 1h, or a time with its "+
		"zone")
	set.StringVar(&f.file, "file", "", "a file of events in place of the source; - is standard input")
	set.BoolVar(&f.values, "show-values", false, "show what calls say, which may be personal data")
	set.BoolVar(&f.exitCode, "exit-code", false, "end with the exit code 6 where something differs")
	return cmd
}

func (f *flags) run(cmd *cobra.Command) error {
	switch {
	case len(f.older) == 0:
		return exit.With(exit.Input, errors.New("--old is missing: name the rules of before"))
	case (f.file == "") == (f.last == ""):
		return exit.With(exit.Input, errors.New("give either --file, or --last for records of the source"))
	}
	set, after, err := f.rules(cmd.Flags().Changed("config"))
	if err != nil {
		return exit.With(exit.Input, err)
	}
	before, err := set.Before(config.Input{Files: f.older, Set: f.in.Set})
	if err != nil {
		return exit.With(exit.Input, err)
	}
	c := newComparison(before, after, f.values)
	if f.file != "" {
		err = f.compareFile(cmd, &set, c)
	} else {
		err = f.compareSource(cmd, &set, c)
	}
	if err != nil {
		return err
	}
	differs := c.finish()
	if err := c.print(cmd.OutOrStdout(), f.out); err != nil {
		return err
	}
	if err := c.incomplete(); err != nil {
		return exit.With(exit.Input, err)
	}
	if differs && f.exitCode {
		return exit.With(exit.Differences, errors.New("the rules do not make the same calls"))
	}
	return nil
}

// rules reads the new rules, and what says how events arrive: the configuration that is named, or the new rules.
func (f *flags) rules(configured bool) (ruleset.Set, *mapping.Rules, error) {
	switch {
	case len(f.newer) == 0:
		set, err := ruleset.Read(f.in, nil)
		return set, set.Rules, err
	case !configured && ruleset.IsConfiguration(f.newer[0]):
		set, err := ruleset.Read(config.Input{Files: f.newer, Set: f.in.Set}, nil)
		return set, set.Rules, err
	case !configured && f.file != "":
		set, err := ruleset.Read(config.Input{}, f.newer)
		return set, set.Rules, err
	}
	set, err := ruleset.Read(f.in, nil)
	if err != nil {
		return set, nil, err
	}
	rules, err := set.Before(config.Input{Files: f.newer, Set: f.in.Set})
	return set, rules, err
}

// compareFile compares the events of a file.
func (f *flags) compareFile(cmd *cobra.Command, set *ruleset.Set, c *comparison) error {
	topic, err := set.Topic(f.topic)
	if err != nil {
		return exit.With(exit.Input, err)
	}
	n := int64(-1)
	return cli.ReadEvents(cmd, []string{f.file}, func(e cli.EventText) error {
		n++
		if !json.Valid(e.Value) {
			c.leaveOut(e.Place)
			return nil
		}
		m := event.Message{Origin: event.Origin{Topic: topic, Offset: n}, Value: e.Value}
		return exit.With(exit.Failure, c.add(e.Place, m))
	})
}

// compareSource compares records of the source, beside whoever reads it.
func (f *flags) compareSource(cmd *cobra.Command, set *ruleset.Set, c *comparison) error {
	from, err := cli.ParseTime(f.last, time.Now())
	if err != nil {
		return exit.With(exit.Input, fmt.Errorf("--last: %w", err))
	}
	if set.Config.Source.Section() == nil {
		return exit.With(exit.Input, errors.New("no source is configured: give --config, or --file in place of --last"))
	}
	log, err := cli.QuietLogger(cmd, f.out == cli.JSON)
	if err != nil {
		return err
	}
	source, err := cli.OpenSource(cmd.Context(), set.Config, set.Rules, log)
	if err != nil {
		return err
	}
	defer source.Close()
	var topics []string
	if f.topic != "" {
		topics = []string{f.topic}
	}
	extents, err := source.Select(cmd.Context(), consumer.Bounds{From: from}, topics...)
	if err != nil {
		return err
	}
	if len(extents) == 0 && f.topic != "" {
		return exit.With(exit.Input, fmt.Errorf("--topic %s: the source does not read it", f.topic))
	}
	return source.Read(cmd.Context(), extents, func(m *event.Message) error {
		return exit.With(exit.Failure, c.add(m.Origin.String(), *m))
	})
}
