package backfill

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/backfill"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/mapping"
)

// flags say what is sent, and how.
type flags struct {
	in                              config.Input
	from, to                        string
	rules                           []string
	rate                            int
	liveLag                         int64
	includeDestructive, includeOnce bool
	anew, dryRun                    bool
	out                             cli.Format
}

// New makes the command. ConfigFlags adds the flags that say what the configuration is read from.
func New(configFlags func(*cobra.Command, *config.Input), version string) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "backfill --from TIME",
		Short: "Send what the broker has kept from some time",
		Long: "Read what the topics or streams of the source have kept between two times, map it with today's rules " +
			"and send it: the\nhistory of a new rule, or of a mended one. It ends by itself. A bridge may run " +
			"beside: a backfill reads for itself, uses a\nquarter of the requests, and waits while the bridge is " +
			"behind.\n\n" +
			"Calls have the identities of live ones, so that Customer.io counts an event once, and identify carries " +
			"the event's time,\nso that what is newer stays. Calls that cannot be taken back, and those that send " +
			"messages or count twice when they\nare made twice, are left out unless a flag includes them.\n\n" +
			"A backfill can be interrupted or killed at any time: one with the same --from, --to and --rule goes on " +
			"where it was.\n--dry-run reads and maps everything, sends nothing and notes nothing.\n\n" +
			"The exit code is 0 where everything is finished: delivered, skipped or a dead letter. It is 1 where the " +
			"backfill was\ninterrupted, 4 where the broker cannot be used and 5 where Customer.io cannot.",
		Example: "  ciobridge backfill --from 2026-10-01 --to 2026-10-08 --rule order --dry-run\n" +
			"  ciobridge backfill --from 2026-10-01 --to 2026-10-08 --rule order\n" +
			"  ciobridge backfill --from 168h --rate 5 -o json",
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, version) },
	}
	configFlags(cmd, &f.in)
	cli.OutputFlag(cmd, &f.out)
	set := cmd.Flags()
	set.StringVar(&f.from, "from", "", "messages that the broker got at this time or later: a time with its zone, a "+
		"date in UTC, how long ago such as 168h, or earliest")
	set.StringVar(&f.to, "to", "", "messages before this time; now where it is not given")
	set.StringArrayVar(&f.rules, "rule", nil, "only calls of this rule; may be repeated")
	set.IntVar(&f.rate, "rate", 0, "at most so many requests a second; 0 means a quarter of "+
		"customerio.requests_per_second")
	set.Int64Var(&f.liveLag, "live-lag", 10_000, "wait while the bridge is more than so many messages behind; 0 never "+
		"waits")
	set.BoolVar(&f.includeDestructive, "include-destructive", false, "send calls that "+
		choice.List(customerio.DestructiveActions())+" people, too")
	set.BoolVar(&f.includeOnce, "include-sends", false, "send calls that send messages, trigger broadcasts or are "+
		"requests of your own, too")
	set.BoolVar(&f.anew, "anew", false, "begin at the beginning, however far an earlier backfill came")
	set.BoolVar(&f.dryRun, "dry-run", false, "tell what would be sent, and send nothing")
	return cmd
}

func (f *flags) run(cmd *cobra.Command, version string) error {
	c, rules, err := app.Load(f.in)
	if err != nil {
		return err
	}
	options, err := f.options(&c, rules)
	if err != nil {
		return exit.With(exit.Input, err)
	}
	log, err := cli.QuietLogger(cmd, f.out == cli.JSON)
	if err != nil {
		return err
	}
	broker, err := app.Reach(cmd.Context(), c, log)
	if err != nil {
		return err
	}
	defer broker.Close()
	run, err := backfill.New(cmd.Context(), broker, broker.Notes(f.name()), options, log.Named("backfill"))
	if err != nil {
		return exit.With(exit.Broker, err)
	}
	told := cmd.ErrOrStderr()
	if f.out == cli.JSON {
		told = io.Discard
	}
	if p := run.Progress(); p.Resumed && !f.dryRun {
		fmt.Fprintf(told, "goes on where an earlier backfill was: %d of %d are finished\n", p.Before, p.Asked)
	}
	shown := cli.ShowProgress(told, func(took time.Duration) cli.State { return state(run.Progress(), f.dryRun, took) })
	defer shown.Stop()
	v := view{dryRun: f.dryRun}
	if f.dryRun {
		err = exit.With(exit.Broker, f.tryOut(cmd.Context(), c, rules, run, log))
	} else {
		c.CustomerIO.SetRate(f.requests(&c))
		v.stats, err = app.Backfill(cmd.Context(), c, rules, run, broker, log, version)
	}
	shown.Stop()
	v.Progress = run.Progress()
	if err != nil && v.Messages == 0 {
		return cli.Interrupted(cmd.Context(), err, again)
	}
	return cmp.Or(cli.Interrupted(cmd.Context(), err, again), v.print(cmd.OutOrStdout(), f.out))
}

// again says how to go on after a backfill was interrupted.
const again = "the same command goes on where it was"

// options are those that the flags ask for.
func (f *flags) options(c *config.Config, rules *mapping.Rules) (o backfill.Options, err error) {
	if section := c.Source.Section(); section.Ends() {
		return o, fmt.Errorf("source.%s keeps no history: ciobridge run reads all of it", section.Kind())
	}
	now := time.Now()
	switch {
	case f.from == "":
		return o, errors.New("--from is missing: give the time from which on messages are sent, or earliest")
	case f.rate < 0 || f.liveLag < 0:
		return o, errors.New("--rate and --live-lag cannot be negative")
	}
	if !strings.EqualFold(f.from, "earliest") {
		if o.Between.From, err = cli.ParseTime(f.from, now); err != nil {
			return o, fmt.Errorf("--from: %w, or earliest", err)
		}
	}
	if o.Between.To, err = cli.ParseTime(f.to, now); err != nil {
		return o, fmt.Errorf("--to: %w", err)
	}
	if to := o.Between.To; !to.IsZero() && !o.Between.From.Before(to) {
		return o, fmt.Errorf("--to %s is not after --from %s", f.to, f.from)
	}
	if err := cli.CheckRules(f.rules, rules.RuleNames()); err != nil {
		return o, err
	}
	o.Rules, o.LiveLag, o.IncludeOnce, o.Anew = f.rules, f.liveLag, f.includeOnce, f.anew
	if !f.includeDestructive {
		o.Skip = customerio.DestructiveActions()
	}
	return o, nil
}

// requests is how many requests a second a backfill makes.
func (f *flags) requests(c *config.Config) int {
	if f.rate > 0 {
		return f.rate
	}
	least := c.CustomerIO.RequestsPerSecond
	for _, w := range c.CustomerIO.All() {
		least = min(least, w.RequestsPerSecond)
	}
	return max(1, least/4)
}

// name is that of the notes: the same for the same flags.
func (f *flags) name() string {
	rules := slices.Sorted(slices.Values(f.rules))
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %t %t", f.from, f.to, rules, f.includeDestructive, f.includeOnce))
	return "backfill-" + hex.EncodeToString(sum[:4])
}

// tryOut reads and maps, and sends nothing.
func (f *flags) tryOut(ctx context.Context, c config.Config, rules *mapping.Rules, run *backfill.Backfill,
	log *zap.Logger) error {
	decoder, err := app.Content(c, log)
	if err != nil {
		return err
	}
	defer decoder.Close()
	return run.DryRun(ctx, rules.ForReplay(), func(ctx context.Context, m *event.Message) error {
		return decoder.Decode(ctx, rules.Forms(m.Origin.Topic), m)
	})
}
