package app

import (
	"context"
	"errors"
	"sync"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/deadletter/replay"
	"github.com/ciobridge/ciobridge/ledger"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/pipeline"
)

// Replay sends the letters of a replay through the ordinary pipeline, and returns when they are settled or ctx ends.
// The letters and the send ledger stand where ReachLetters has opened them.
func Replay(
	ctx context.Context, c config.Config, rules *mapping.Rules, at Letters, run *replay.Replay, log *zap.Logger,
	version string,
) error {
	b, err := New(c, rules, log, version)
	if err != nil {
		return err
	}
	defer b.Close()
	b.letters = at.Letters
	p := c.Pipeline()
	p.StopShare = 0        // letters that fail again are what a replay is ready for
	p.NewPeople.People = 0 // nobody would resume what stops over it, and a replay would never end
	if c.Erasure.NeedsBroker() || len(rules.ReplyTo()) > 0 {
		if b.broker, err = Reach(ctx, c, log); err != nil {
			return err
		}
	}
	sender, err := b.around(func() ledger.Store { return at.Ledger })
	if err != nil {
		return err
	}
	held, err := b.proveSoon(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return errors.New("stopped before anything was sent")
		}
		return err
	}
	run.Hold(held)
	stages := pipeline.Stages{Source: b.read(b.tracer.Source(run, true)), Mapper: b.tracer.Mapper(run.Mapper()),
		Sender: sender, DeadLetters: b.tracer.DeadLetters(run.DeadLetters()),
		Destinations: destinations(p, b.workspaces)}
	b.pipeline = pipeline.New(p, stages, log.Named("pipeline"), b.registry)
	return b.besideFences(ctx, b.pipeline.Run)
}

// besideFences runs the pipeline while fences are watched, and settles the ledger when it has ended.
func (b *Bridge) besideFences(ctx context.Context, run func(context.Context) error) error {
	watching, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var watch sync.WaitGroup
	watch.Go(func() { b.watchFences(watching) })
	err := run(ctx)
	b.settleLedger(ctx)
	cancel()
	watch.Wait()
	return err
}

// proveSoon proves what a replay needs. It gives up after a while, because somebody waits for it; once calls leave,
// an outage is waited for. Where some workspaces are proven by then it names the others, whose letters stay open.
func (b *Bridge) proveSoon(ctx context.Context) (held []string, err error) {
	soon, cancel := context.WithTimeout(ctx, reachLimit)
	defer cancel()
	workspaces := b.proveWorkspaces(soon)
	_ = workspaces.wait(soon, len(b.workspaces))
	workspaces.end()
	if err := workspaces.wait(soon, 0); err != nil {
		return nil, err
	}
	for i, err := range workspaces.standing {
		if err != nil {
			held = append(held, b.workspaces[i].Name)
		}
	}
	ctx, cancel = context.WithTimeout(ctx, reachLimit)
	defer cancel()
	if err := concurrently(ctx, b.proveLetters, b.proveLedger); err != nil {
		return nil, err
	}
	if b.broker != nil {
		if err := b.proveApart(ctx); err != nil {
			return nil, err
		}
	}
	return held, b.proveFences(ctx)
}
