package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/backfill"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/ledger"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/pipeline"
	"github.com/ciobridge/ciobridge/source"
)

// errNothingRead is the error of a source that ends by itself and was stopped before it began.
var errNothingRead = errors.New("stopped before anything was read: run it again")

// carry runs the pipeline until ctx ends, and where the source ends by itself up to its end. Then its error says that
// not everything was finished.
func (b *Bridge) carry(ctx context.Context) error {
	if !b.config.Source.Section().Ends() {
		return exit.With(exit.Broker, b.pipeline.Run(ctx))
	}
	return b.runToEnd(ctx)
}

// stoppedBefore is what comes of being stopped before anything was read.
func (b *Bridge) stoppedBefore() error {
	if b.config.Source.Section().Ends() {
		return errNothingRead
	}
	return nil
}

// runToEnd runs the pipeline to the end of its source. Where the flow stops over too many failures it ends: what waits
// for an operator elsewhere would only hang here.
func (b *Bridge) runToEnd(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-b.pipeline.FirstStop():
			cancel()
		case <-ctx.Done():
		}
	})
	err := b.pipeline.Run(ctx)
	cancel()
	watch.Wait()
	if stopped := b.pipeline.Stopped(); stopped != nil {
		err = fmt.Errorf("%w; a run that ends by itself does not wait for that: %w", stopped, err)
	}
	s, end := b.Stats(), "the source was read to its end, and everything is finished"
	if err != nil {
		end = "the source was not read to its end, or something is not finished"
	}
	b.log.Info(end,
		zap.Int("delivered", s.Delivered), zap.Int("skipped", s.Skipped), zap.Int("dead_lettered", s.DeadLettered),
		zap.Int("calls", s.CallsDelivered), zap.Int("requests", s.Requests))
	return err
}

// Backfill sends the messages of a backfill through the ordinary pipeline, and returns when all are finished. Its error
// says that some are not. The broker, which the backfill reads, stays the caller's.
func Backfill(ctx context.Context, c config.Config, rules *mapping.Rules, run *backfill.Backfill, broker source.Broker,
	log *zap.Logger, version string) (Stats, error) {
	b, err := New(c, rules, log, version)
	if err != nil {
		return Stats{}, err
	}
	defer func() {
		b.broker = nil
		b.Close()
	}()
	b.broker, b.letters = broker, openLetters(c, broker, rules.Hash())
	sender, err := b.around(func() ledger.Store { return openLedger(c, broker) })
	if err != nil {
		return Stats{}, err
	}
	held, err := b.proveSoon(ctx)
	if err == nil && len(held) > 0 {
		err = exit.With(exit.CustomerIO, fmt.Errorf("nothing was sent: the workspaces %s could not be reached or used",
			strings.Join(held, ", ")))
	}
	if err != nil {
		if ctx.Err() != nil {
			err = errors.New("stopped before anything was sent")
		}
		return Stats{}, err
	}
	p := c.Pipeline()
	p.NewPeople.People = 0 // that there are people of the past is why it is run
	policy := func(rule string) event.RulePolicy {
		policy := rules.Policy(rule)
		policy.NewPeople = 0
		return policy
	}
	stages := pipeline.Stages{Rules: policy, Source: b.read(b.tracer.Source(run, true)),
		Mapper: b.tracer.Mapper(run.Mapper(rules.ForReplay())), Sender: sender,
		DeadLetters: b.deadLetters(), Destinations: destinations(p, b.workspaces)}
	b.pipeline = pipeline.New(p, stages, log.Named("pipeline"), b.registry)
	err = b.besideFences(ctx, b.runToEnd)
	return b.Stats(), err
}
