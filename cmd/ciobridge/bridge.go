package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/pipeline"
	"github.com/ciobridge/ciobridge/source"
)

// A bridge is the stages, joined.
type bridge struct {
	config   config.Config
	log      *zap.Logger
	registry *prometheus.Registry

	rules    *mapping.Rules
	broker   source.Broker // nil until it is connected
	source   source.Reader
	client   *customerio.Client
	sender   *delivery.Sender
	letters  source.Letters
	pipeline *pipeline.Pipeline

	proofs  *proofs
	flowing atomic.Bool // all is proven, and the stages that need a broker are there
}

// load reads a configuration and compiles its rules. The configuration says how to log also where it has mistakes.
func load(path string) (config.Config, *mapping.Rules, error) {
	c, err := config.Load(path)
	if err != nil {
		return c, nil, exit.With(exit.Input, err)
	}
	rules, err := mapping.Compile(c.Mapping())
	return c, rules, exit.With(exit.Input, err)
}

// newBridge builds what needs no broker. Its close must be called when err is nil.
func newBridge(c config.Config, rules *mapping.Rules, log *zap.Logger) (*bridge, error) {
	b := &bridge{
		config: c, rules: rules, log: log, registry: newRegistry(rules),
		proofs: newProofs(provesDestination, provesBroker, provesSource, provesLetters),
	}
	if !c.Source.Section().ChecksFirst() {
		b.proofs.note(provesSource, nil)
	}
	var err error
	b.client, b.sender, err = newSender(c, log, b.registry)
	return b, err
}

// connect reaches the broker, for as long as that takes, and builds the stages that need it.
func (b *bridge) connect(ctx context.Context) error {
	section := b.config.Source.Section()
	err := b.await(ctx, provesBroker, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, connectLimit)
		defer cancel()
		var err error
		b.broker, err = section.Connect(ctx, b.log)
		return err
	}, section.Passing)
	if err != nil {
		return err
	}
	b.letters = letters(b.config, b.broker, b.rules.Hash())
	if b.source, err = b.broker.Reader(b.log.Named("consumer"), b.registry); err != nil {
		return exit.With(exit.Input, err)
	}
	b.source.OnReplicas(b.sender.SetReplicas)
	stages := pipeline.Stages{Source: b.source, Mapper: b.rules, Sender: b.sender, DeadLetters: b.letters}
	b.pipeline = pipeline.New(b.config.Pipeline(), stages, b.log.Named("pipeline"), b.registry)
	return nil
}

func newSender(c config.Config, log *zap.Logger, reg prometheus.Registerer) (*customerio.Client, *delivery.Sender, error) {
	client, err := customerio.NewClient(c.CustomerIO, c.Delivery.Senders, nil)
	if err != nil {
		return nil, nil, exit.With(exit.Credentials, fmt.Errorf("customerio: %w", err))
	}
	sender, err := delivery.New(delivery.Config{RequestsPerSecond: c.CustomerIO.RequestsPerSecond}, client, log.Named("delivery"), reg)
	if err != nil {
		client.Close()
		return nil, nil, exit.With(exit.Input, err)
	}
	return client, sender, nil
}

// prepare proves what must hold before the first event is read. What concerns Customer.io and what concerns the broker is proven side
// by side, so that each tells what is in its way. The first failure that is final ends both.
func (b *bridge) prepare(ctx context.Context) error {
	return sideBySide(ctx, b.proveDestination, b.proveBroker)
}

// sideBySide waits for several proofs. The first failure ends the others and is the error.
func sideBySide(ctx context.Context, proofs ...func(context.Context) error) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var all sync.WaitGroup
	for _, prove := range proofs {
		all.Go(func() {
			if err := prove(ctx); err != nil {
				fail(err)
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

func (b *bridge) proveBroker(ctx context.Context) error {
	if b.pipeline == nil { // the demo has connected before
		if err := b.connect(ctx); err != nil {
			return err
		}
	}
	if err := sideBySide(ctx, b.proveSource, b.proveLetters); err != nil {
		return err
	}
	return b.broker.CheckLetters(ctx, b.config.DeadLetters.Config)
}

// run proves what must hold and then carries events until ctx ends.
func (b *bridge) run(ctx context.Context) error {
	if err := b.prepare(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // stopped before anything was read
		}
		return err
	}
	b.flowing.Store(true)
	summaries, cancel := context.WithCancel(ctx)
	var clerk sync.WaitGroup
	clerk.Go(func() { b.summarize(summaries) })
	err := b.pipeline.Run(ctx)
	cancel()
	clerk.Wait()
	return exit.With(exit.Broker, err)
}

func (b *bridge) close() {
	b.client.Close()
	if b.broker != nil {
		b.broker.Close()
	}
}

// serve runs the bridge and its admin server until ctx ends or one of them fails. The admin server comes first: whoever asks for health
// must not take a bridge that waits for its broker for a dead one.
func (b *bridge) serve(ctx context.Context) error {
	a, err := newAdmin(b)
	if err != nil {
		return exit.With(exit.Input, err)
	}
	return b.serveWith(ctx, a)
}

// serveWith does so with an admin server that listens already.
func (b *bridge) serveWith(ctx context.Context, a *admin) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	served := make(chan error, 1)
	go func() {
		err := a.serve()
		served <- err
		if err != nil {
			cancel()
		}
	}()
	section := b.config.Source.Section()
	b.log.Info("starting", zap.String("version", buildVersion()), zap.String("admin", a.addr()),
		zap.String("source", section.Kind()), zap.Strings("reads", section.Names()),
		zap.String("region", string(b.config.CustomerIO.Region)),
		zap.Int("rules", len(b.rules.Stats())), zap.String("config_hash", b.rules.Hash()))
	var reminder sync.WaitGroup
	reminder.Go(func() { remind(ctx, b.log, b.obstacles) })
	err := b.run(ctx)
	cancel()
	reminder.Wait()
	a.close()
	err = errors.Join(err, <-served)
	b.log.Info("stopped")
	return err
}
