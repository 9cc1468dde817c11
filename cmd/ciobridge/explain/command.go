package explain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/output"
)

// flags say which events are explained, and how.
type flags struct {
	in                 config.Input
	origin, person, id string
	since, until       string
	limit              int
	showValues         bool
	url                string
	out                cli.Format
}

// New makes the command. ConfigFlags adds the flags that say what the configuration is read from.
func New(configFlags func(*cobra.Command, *config.Input)) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "explain (--origin PLACE | --id ULID | --person ID)",
		Short: "Tell what happened to an event",
		Long: "Tell of an event when it was received, which of today's rules match it and why the others do not, " +
			"what it is mapped\nto, and what became of that: taken by Customer.io, or a dead letter with its story, " +
			"down to the replay that delivered it.\nThe record is read at the broker, beside a bridge that may run; " +
			"nothing is committed and nothing is sent.\nA bridge that keeps recent outcomes (admin.recent_outcomes) " +
			"is asked when and by which request each call was taken.\n\n" +
			"--origin names the event by where it stood, as logs and dead letters do. --id takes the ULID of an " +
			"event or of a call, as\nCustomer.io, dlq list and the log have it: where it is that of no dead letter, " +
			"the source is searched from the time that\nthe ULID holds. --person searches the source since --since " +
			"for the events of a person.\n\n" +
			"Values are masked unless --show-values is given. The exit code is 1 when no such event is found.",
		Example: "  ciobridge explain --origin shop.orders/3@1200\n" +
			"  ciobridge explain --person email:ann@example.com --since 2h\n" +
			"  ciobridge explain --id 01JBM6W3Q0V9T3Y1H2X4C5D6E7 -o json",
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	configFlags(cmd, &f.in)
	cli.OutputFlag(cmd, &f.out)
	set := cmd.Flags()
	set.StringVar(&f.origin, "origin", "", "where the event stood: TOPIC/PARTITION@OFFSET, or STREAM/0@SEQUENCE")
	set.StringVar(&f.person, "person", "", "events that concern this person, by any identifier or by one such as "+
		"email:ann@example.com")
	set.StringVar(&f.id, "id", "", "the ULID of an event or of a call")
	set.StringVar(&f.since, "since", "", "search records that the broker got at this time or later: RFC 3339, a date, "+
		"or how long ago; 24h unless given, with --id the time of the ULID")
	set.StringVar(&f.until, "until", "", "search records that the broker got before this time")
	set.IntVar(&f.limit, "limit", 20, "tell of at most so many events, the latest")
	set.StringVar(&f.url, "url", "", "the address of the admin server of a running bridge, which may know what became "+
		"of calls; left out, that of admin.listen")
	set.BoolVar(&f.showValues, "show-values", false, "print keys, subjects and values, which may be personal data")
	return cmd
}

// check finds what is wrong with the flags.
func (f *flags) check() error {
	given := 0
	for _, text := range []string{f.origin, f.person, f.id} {
		if text != "" {
			given++
		}
	}
	switch {
	case given != 1:
		return errors.New("give one of --origin, --person and --id")
	case f.origin != "" && (f.since != "" || f.until != ""):
		return errors.New("--since and --until: an event with an --origin is not searched for")
	case f.limit < 1:
		return fmt.Errorf("--limit: %d is not at least 1", f.limit)
	}
	return nil
}

func (f *flags) run(cmd *cobra.Command) error {
	if err := f.check(); err != nil {
		return exit.With(exit.Input, err)
	}
	c, rules, err := app.Load(f.in)
	if err != nil {
		return err
	}
	wanted, err := f.wanted(c, time.Now())
	if err != nil {
		return exit.With(exit.Input, err)
	}
	asked, err := bridgeAt(f.url, c.Admin.Listen)
	if err != nil {
		return err
	}
	log, err := cli.QuietLogger(cmd, f.out == cli.JSON)
	if err != nil {
		return err
	}
	x, err := open(cmd.Context(), c, rules, log)
	if err != nil {
		return err
	}
	defer x.close()
	x.bridge = asked
	told := cmd.ErrOrStderr()
	if f.out == cli.JSON {
		told = io.Discard
	}
	events, err := x.find(cmd.Context(), wanted, told)
	if err != nil {
		return cli.Interrupted(cmd.Context(), err, "nothing was changed; --since and --until narrow the search")
	}
	if len(events) == 0 {
		return exit.With(exit.Failure, errors.New(wanted.missing()))
	}
	return f.tell(cmd.Context(), x, events, cmd.OutOrStdout())
}

func (f *flags) tell(ctx context.Context, x *explainer, events []found, w io.Writer) error {
	for i := range events {
		s, err := x.story(ctx, &events[i], f.showValues)
		if err != nil {
			return err
		}
		if f.out == cli.JSON {
			err = output.JSON(w, s)
		} else {
			err = s.print(w)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
