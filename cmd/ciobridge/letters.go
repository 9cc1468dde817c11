package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/replay"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/mapping"
)

func newDeadLetters() *cobra.Command {
	return group(&cobra.Command{
		Use:     "deadletters",
		Aliases: []string{"dlq"},
		Short:   "List, show, replay, repair, discard and purge what could not be delivered",
		Long: "Work on the dead letters: one for each call that could not be delivered, or for each event that could " +
			"not be read.\nA letter is open until a replay has delivered it or somebody has discarded it.",
		Example: "  ciobridge dlq stats\n" +
			"  ciobridge dlq list --reason missing_field\n" +
			"  ciobridge dlq show 01JBM6W3Q0V9T3Y1H2X4C5D6E7\n" +
			"  ciobridge dlq replay --rule order --dry-run",
	}, newLettersList(), newLettersShow(), newLettersStats(), newLettersReplay(), newLettersEdit(), newLettersDiscard(),
		newLettersPurge(), newLettersResolve())
}

// A lettersClient is what a command about dead letters works with.
type lettersClient struct {
	config config.Config
	rules  *mapping.Rules
	log    *zap.Logger
	store  app.Letters
	close  func() // ends the connections to the broker and to the schema registry, if there are any

	decoder  *app.Decoder
	noAnswer error // of the registry, which is not waited for again
}

// openLetters reads the configuration and reaches its dead letters. It must be closed when err is nil.
func openLetters(cmd *cobra.Command, in config.Input, f format) (*lettersClient, error) {
	return openWithLedger(cmd, in, f, false)
}

// openWithLedger is openLetters with the send ledger; where it is not always needed, if today's rules need it.
func openWithLedger(cmd *cobra.Command, in config.Input, f format, always bool) (*lettersClient, error) {
	c, rules, err := app.Load(in)
	if err != nil {
		return nil, err
	}
	log, err := cli.QuietLogger(cmd, f == asJSON)
	if err != nil {
		return nil, err
	}
	return newLedgerClient(cmd, c, rules, always || rules.Once(), log)
}

func newLettersClient(cmd *cobra.Command, c config.Config, rules *mapping.Rules, log *zap.Logger) (*lettersClient,
	error) {
	return newLedgerClient(cmd, c, rules, rules.Once(), log)
}

func newLedgerClient(
	cmd *cobra.Command, c config.Config, rules *mapping.Rules, needsLedger bool, log *zap.Logger,
) (*lettersClient, error) {
	d := &lettersClient{config: c, rules: rules, log: log}
	decoder, err := app.Content(c, log)
	if err != nil {
		return nil, err
	}
	store, err := app.ReachLetters(cmd.Context(), c, rules.Hash(), needsLedger, log)
	if err != nil {
		decoder.Close()
		return nil, err
	}
	d.store, d.decoder = store, decoder
	d.close = func() {
		store.Close()
		decoder.Close()
	}
	return d, nil
}

// content gives a letter's message what its value holds. A schema registry that has not answered once is not waited for
// again.
func (d *lettersClient) content(ctx context.Context, m *event.Message) error {
	err := d.decoder.Decode(ctx, d.rules.Forms(m.Origin.Topic), m)
	if err != nil && d.noAnswer == nil {
		d.noAnswer, d.decoder.Patience = err, 0
	}
	if err != nil {
		return d.noAnswer
	}
	return nil
}

// lettersError gives an error of the store its exit code.
func lettersError(err error) error {
	var coded *exit.Error
	switch {
	case err == nil || errors.As(err, &coded):
		return err
	case errors.Is(err, deadletter.ErrUnknownLetter), errors.Is(err, deadletter.ErrNotAFile),
		errors.Is(err, replay.ErrNotOne), errors.Is(err, deadletter.ErrKeeps):
		return exit.With(exit.Input, err)
	case errors.Is(err, deadletter.ErrReplayRunning):
		return exit.With(exit.Failure, err)
	}
	for _, broken := range []error{
		deadletter.ErrMissing, deadletter.ErrDenied, deadletter.ErrNotEnoughReplicas, deadletter.ErrFull,
		deadletter.ErrTooLarge,
		deadletter.ErrUnreachable, replay.ErrLockLost,
	} {
		if errors.Is(err, broken) {
			return exit.With(exit.Broker, err)
		}
	}
	return err
}
