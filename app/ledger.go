package app

import (
	"context"
	"fmt"
	"io"
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/ledger"
	"github.com/ciobridge/ciobridge/ledger/file"
	"github.com/ciobridge/ciobridge/pipeline"
	"github.com/ciobridge/ciobridge/source"
)

// openLedger opens the place of the send ledger: a file, or something that the broker keeps.
func openLedger(c config.Config, b source.Broker) ledger.Store {
	if l := c.PlacedLedger(); l.File != "" {
		return file.New(l)
	} else {
		return b.Ledger(l)
	}
}

// closeLedger closes what openLedger has opened, as far as the broker does not.
func closeLedger(store ledger.Store) {
	if f, ok := store.(io.Closer); ok {
		_ = f.Close() // what was written is synced
	}
}

// noted puts the send ledger before a sender. Where the rules make no calls that need one it is the sender itself.
func (b *Bridge) noted(next pipeline.Sender, open func() ledger.Store) pipeline.Sender {
	if !b.rules.Now().Once() {
		return next
	}
	b.noting = open()
	b.ledger = ledger.New(next, b.noting, b.config.LongestTimeout(b.rules.Now()), b.log.Named("ledger"), b.registry)
	return b.ledger
}

// proveLedger makes sure that the send ledger can be used, where one is needed.
func (b *Bridge) proveLedger(ctx context.Context) error {
	if b.ledger == nil {
		return nil
	}
	if l := b.config.PlacedLedger(); l.File != "" && b.config.Source.Section().Kind() != "embedded" {
		b.log.Warn("the send ledger is in a file, which replicas on other machines do not see",
			zap.String("place", b.noting.Place()))
	}
	var since stopwatch
	err := b.await(ctx, provesLedger, func(ctx context.Context) error {
		return checkPlace(ctx, b.noting, "the send ledger is", b.log)
	}, func(err error) bool { return ledger.Passing(err, since.lasts(true)) })
	if err != nil {
		return exit.With(exit.Broker, fmt.Errorf("send ledger: %w", err))
	}
	return nil
}

// settleLimit bounds the storing of outcomes when a bridge ends.
const settleLimit = 5 * time.Second

// settleLedger stores what the send ledger could not store before.
func (b *Bridge) settleLedger(ctx context.Context) {
	if b.ledger == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleLimit)
	defer cancel()
	b.ledger.Settle(ctx)
}
