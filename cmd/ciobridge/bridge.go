package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/pipeline"
)

// source is what the bridge needs of a consumer: the messages, and whether it has joined its broker.
type source interface {
	pipeline.Source
	// Ready is nil when the source reads, or stands by to read, and otherwise says why not.
	Ready() error
}

// A bridge is the stages, joined.
type bridge struct {
	config   config.Config
	log      *zap.Logger
	registry *prometheus.Registry

	rules    *mapping.Rules
	brokers  *brokers
	source   source
	client   *customerio.Client
	sender   *delivery.Sender
	letters  deadletter.Store
	pipeline *pipeline.Pipeline
}

// load reads a configuration and compiles its rules.
func load(path string) (config.Config, *mapping.Rules, error) {
	c, err := config.Load(path)
	if err != nil {
		return c, nil, exit(exitInput, err)
	}
	rules, err := mapping.Compile(c.Mapping())
	return c, rules, exit(exitInput, err)
}

// newBridge builds the stages and connects to the broker. Its close must be called when err is nil.
func newBridge(ctx context.Context, c config.Config, rules *mapping.Rules, log *zap.Logger) (*bridge, error) {
	b := &bridge{config: c, rules: rules, log: log, registry: newRegistry(rules)}
	var err error
	if b.client, b.sender, err = newSender(c, log, b.registry); err != nil {
		return nil, err
	}
	if b.brokers, err = connect(ctx, c, log); err != nil {
		b.client.Close()
		return nil, err
	}
	if b.brokers.nats != nil {
		b.registry.MustRegister(b.brokers.nats)
	}
	b.letters = b.brokers.letters(c, rules.Hash())
	if b.source, err = b.newSource(); err != nil {
		b.close()
		return nil, exit(exitInput, err)
	}
	stages := pipeline.Stages{Source: b.source, Mapper: rules, Sender: b.sender, DeadLetters: b.letters}
	b.pipeline = pipeline.New(c.Pipeline(), stages, log.Named("pipeline"), b.registry)
	return b, nil
}

func newSender(c config.Config, log *zap.Logger, reg prometheus.Registerer) (*customerio.Client, *delivery.Sender, error) {
	client, err := customerio.NewClient(c.CustomerIO, c.Delivery.Senders, nil)
	if err != nil {
		return nil, nil, exit(exitCredentials, fmt.Errorf("customerio: %w", err))
	}
	sender, err := delivery.New(delivery.Config{RequestsPerSecond: c.CustomerIO.RequestsPerSecond}, client, log.Named("delivery"), reg)
	if err != nil {
		client.Close()
		return nil, nil, exit(exitInput, err)
	}
	return client, sender, nil
}

func (b *bridge) newSource() (source, error) {
	s, log := b.config.Source, b.log.Named("consumer")
	if s.Kafka != nil {
		k, err := consumer.NewKafka(s.Kafka.Consumer(), b.brokers.kafka, log, b.registry)
		if err != nil {
			return nil, err
		}
		k.OnReplicas(b.sender.SetReplicas)
		return k, nil
	}
	j, err := consumer.NewJetStream(b.brokers.nats, jetStreamOf(s), log, b.registry)
	if err != nil {
		return nil, err
	}
	j.OnReplicas(b.sender.SetReplicas)
	return j, nil
}

// prove makes sure, before the first event is read, that Customer.io takes the credentials, that the region is right, and that
// dead letters can be kept. What may pass by itself is waited for.
func (b *bridge) prove(ctx context.Context) error {
	if err := b.await(ctx, "customer.io", b.client.Prove, func(err error) bool {
		var unreachable *customerio.UnreachableError
		return errors.As(err, &unreachable)
	}); err != nil {
		var region *customerio.RegionError
		if errors.As(err, &region) {
			return exit(exitInput, err)
		}
		return exit(exitCredentials, err)
	}
	check := func(ctx context.Context) error {
		weak, err := b.letters.Check(ctx)
		for _, w := range weak {
			b.log.Warn("dead letters are kept weakly", zap.String("weakness", w))
		}
		return err
	}
	begun := time.Now()
	err := b.await(ctx, "dead letters", check, func(err error) bool { return deadletter.Passing(err, time.Since(begun)) })
	if err != nil {
		code := exitBroker
		if errors.Is(err, deadletter.ErrNotAFile) {
			code = exitInput
		}
		return exit(code, fmt.Errorf("dead letters: %w", err))
	}
	return nil
}

// await tries until it works, the failure is not passing, or ctx ends. It logs the first failure and the recovery.
func (b *bridge) await(ctx context.Context, what string, try func(context.Context) error, passing func(error) bool) error {
	wait := backoff.NewExponentialBackOff(backoff.WithMaxInterval(6500*time.Millisecond), backoff.WithMaxElapsedTime(0))
	for attempts := 1; ; attempts++ {
		err := try(ctx)
		switch {
		case err == nil && attempts > 1:
			b.log.Info("reached at last", zap.String("what", what), zap.Int("attempts", attempts))
			return nil
		case err == nil || !passing(err):
			return err
		case attempts == 1:
			b.log.Warn("cannot be reached yet; nothing is read until it can", zap.String("what", what), zap.Error(err))
		}
		select {
		case <-time.After(wait.NextBackOff()):
		case <-ctx.Done():
			return err
		}
	}
}

// run proves what must hold and then carries events until ctx ends.
func (b *bridge) run(ctx context.Context, proven func()) error {
	if err := b.prove(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // stopped before anything was read
		}
		return err
	}
	if err := b.brokers.apart(ctx, b.config); err != nil {
		return err
	}
	proven()
	summaries, cancel := context.WithCancel(ctx)
	var clerk sync.WaitGroup
	clerk.Go(func() { b.summarize(summaries) })
	err := b.pipeline.Run(ctx)
	cancel()
	clerk.Wait()
	return exit(exitBroker, err)
}

func (b *bridge) close() {
	b.client.Close()
	b.brokers.close()
}

// serve runs the bridge and its admin server until ctx ends or one of them fails.
func (b *bridge) serve(ctx context.Context) error {
	a, err := newAdmin(b)
	if err != nil {
		return exit(exitInput, err)
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
	b.log.Info("starting", zap.String("version", buildVersion()), zap.String("rules", b.rules.Hash()), zap.String("admin", a.addr()))
	err := b.run(ctx, a.proven)
	a.close()
	err = errors.Join(err, <-served)
	b.log.Info("stopped")
	return err
}
