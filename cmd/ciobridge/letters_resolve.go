package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/replay"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/ledger"
)

// decisionFlags are what a person has found out about calls.
type decisionFlags struct {
	sent, notSent, later bool
	note                 string
}

func newLettersResolve() *cobra.Command {
	var in config.Input
	var r replayFlags
	var f decisionFlags
	var out format
	cmd := &cobra.Command{
		Use:   "resolve letter...",
		Short: "Decide whether calls that may have been sent were sent",
		Long: "Decide about letters whose reason is send_uncertain: their calls may have been sent, and would count " +
			"twice if they were\nsent again. Find out first, such as in the deliveries of the person in " +
			"Customer.io.\n\n" +
			"With --sent the send ledger notes that the calls were sent, and the letters are resolved. With " +
			"--not-sent it notes that\nthey were not, and the letters are replayed at once, or with --later by any " +
			"replay. What the ledger knows to be sent\nmeanwhile is never sent again.",
		Example: "  ciobridge dlq list --reason send_uncertain\n" +
			"  ciobridge dlq resolve 01JBM6W3Q0V9T3Y1H2X4C5D6E7 --sent --note 'is in the delivery log'\n" +
			"  ciobridge dlq resolve 01JBM6W3Q0V9T3Y1H2X4C5D6E7 --not-sent",
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := f.check(args, &r)
			if err != nil {
				return exit.With(exit.Input, err)
			}
			d, err := openWithLedger(cmd, in, out, true)
			if err != nil {
				return err
			}
			defer d.close()
			return f.resolve(cmd, d, ids, &r, out)
		},
	}
	configFlags(cmd, &in)
	outputFlag(cmd, &out)
	cmd.Flags().BoolVar(&f.sent, "sent", false, "the calls were sent: send them never again")
	cmd.Flags().BoolVar(&f.notSent, "not-sent", false, "the calls were not sent: send them")
	cmd.Flags().BoolVar(&f.later, "later", false, "with --not-sent, leave the sending to another replay")
	cmd.Flags().StringVar(&f.note, "note", "", "how that was found out, for those who look later")
	cmd.Flags().IntVar(&r.rate, "rate", 0, "requests a second at most, in place of customerio.requests_per_second")
	return cmd
}

// check reads the letters, and says what is wrong with the flags.
func (f *decisionFlags) check(args []string, r *replayFlags) (ids []event.ID, err error) {
	switch {
	case len(args) == 0:
		return nil, errors.New("name the letters to decide about: the ids that dlq list gives")
	case f.sent == f.notSent:
		return nil, errors.New("give one of --sent and --not-sent: whether the calls were sent")
	case f.later && f.sent:
		return nil, errors.New("--later: is for --not-sent; what was sent is not sent again")
	case r.rate < 0:
		return nil, fmt.Errorf("--rate: %d is negative", r.rate)
	}
	for _, text := range args {
		id, err := event.ParseID(text)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", text, err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// resolve notes the decision, and does what follows from it.
func (f *decisionFlags) resolve(
	cmd *cobra.Command, d *lettersClient, ids []event.ID, r *replayFlags, out format,
) error {
	letters, err := f.decide(cmd.Context(), d, ids)
	if err != nil {
		return lettersError(err)
	}
	if f.notSent && !f.later {
		r.includeDestructive = true // somebody has named the letters and decided
		return r.replay(cmd, d, replay.Options{Filter: deadletter.Filter{IDs: ids}}, out)
	}
	if out == asJSON {
		return output.JSON(cmd.OutOrStdout(), map[string]any{"decided": len(letters), "sent": f.sent})
	}
	text := "resolved %s: sent\n"
	if f.notSent {
		text = "noted of %s: not sent; a replay sends them\n"
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), text, output.Count(len(letters), "letter"))
	return err
}

// decide notes the decision in the send ledger, and resolves what was sent. It holds the lock of a replay, which could
// be sending the calls.
func (f *decisionFlags) decide(ctx context.Context, d *lettersClient, ids []event.ID) ([]*deadletter.Letter, error) {
	lock, err := d.store.Lock(ctx, deadletter.LogWaiting(d.log))
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	letters, err := uncertainLetters(ctx, d, ids)
	if err != nil {
		return nil, err
	}
	if _, err := d.store.Ledger.Check(ctx); err != nil {
		return nil, exit.With(exit.Broker, fmt.Errorf("send ledger: %w", err))
	}
	for _, id := range ids {
		err := ledger.Decide(ctx, d.store.Ledger, id, f.sent, d.config.LongestTimeout(d.rules))
		switch {
		case errors.Is(err, ledger.ErrSent):
			return nil, exit.With(exit.Failure, fmt.Errorf("letter %s: %w: resolve it with --sent", id, err))
		case errors.Is(err, ledger.ErrMoving):
			return nil, exit.With(exit.Failure, fmt.Errorf("letter %s: %w", id, err))
		case err != nil:
			return nil, exit.With(exit.Broker, fmt.Errorf("letter %s: %w", id, err))
		}
	}
	if f.notSent {
		return letters, nil
	}
	resolutions := make([]deadletter.Resolution, len(letters))
	for i, l := range letters {
		note := "sent, as somebody has decided"
		if f.note != "" {
			note += ": " + f.note
		}
		resolutions[i] = l.Resolve(deadletter.Delivered, note)
	}
	return letters, d.store.Resolve(ctx, resolutions...)
}

// uncertainLetters finds the open letters to decide about, and names every one about which there is nothing to decide.
func uncertainLetters(ctx context.Context, d *lettersClient, ids []event.ID) (letters []*deadletter.Letter, err error) {
	found := map[event.ID]bool{}
	var errs []error
	for l, err := range deadletter.List(ctx, d.store, deadletter.Filter{IDs: ids}) {
		if err != nil {
			return nil, err
		}
		found[l.ID()] = true
		letters = append(letters, l)
		if l.Failure.Reason != event.ReasonSendUncertain {
			errs = append(errs, fmt.Errorf("letter %s: its reason is %s, so that its call was not sent: replay or "+
				"discard it", l.ID(), l.Failure.Reason))
		}
	}
	for _, id := range ids {
		if found[id] {
			continue
		}
		if _, err := deadletter.Show(ctx, d.store, id); err != nil {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, fmt.Errorf("letter %s is resolved: dlq show tells how", id))
	}
	return letters, exit.With(exit.Input, errors.Join(errs...))
}
