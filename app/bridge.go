package app

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/app/matches"
	"github.com/ciobridge/ciobridge/app/outcomes"
	"github.com/ciobridge/ciobridge/app/status"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/content"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/erasure"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/memory"
	"github.com/ciobridge/ciobridge/ledger"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/live"
	"github.com/ciobridge/ciobridge/pipeline"
	"github.com/ciobridge/ciobridge/report"
	"github.com/ciobridge/ciobridge/source"
	"github.com/ciobridge/ciobridge/tracing"
	"github.com/ciobridge/ciobridge/webhook"
)

// A Bridge is the stages, joined.
type Bridge struct {
	config   config.Config
	version  string // of the program
	log      *zap.Logger
	registry *prometheus.Registry

	rules      *live.Rules
	seen       *matches.Seen
	broker     source.Broker // nil until it is connected
	source     source.Reader
	workspaces []delivery.Workspace
	sender     *delivery.Sender
	letters    source.Letters
	fences     *erasure.Fences // nil where none are configured, and so is what stands behind them
	fenced     *erasure.Sender
	erased     chan struct{}  // full when somebody was erased since letters were purged
	ledger     *ledger.Sender // nil where the rules need none
	noting     ledger.Store   // where the ledger is kept
	decoder    *content.Decoder
	tracer     *tracing.Tracer // nil where the environment asks for no traces
	pipeline   *pipeline.Pipeline
	digest     *erasure.Digester // of identifiers; nil where there is no key
	outcomes   *outcomes.Ring    // nil where none are kept

	admin    *admin          // nil until it listens
	webhooks *webhook.Server // nil where none are taken, and until it listens
	proofs   *proofs
	reloader *reloader // nil where the rules stay

	started time.Time
	counter *status.Counter // of open dead letters; nil where nobody counts them

	reports     *report.Runner // nil where the configuration has none
	reported    []report.Report
	reportState report.Store
	flowing     atomic.Bool // all is proven, and the stages that need a broker are there
}

// New builds what needs no broker. Close must be called when err is nil. Version is the program's.
func New(c config.Config, rules *mapping.Rules, log *zap.Logger, version string) (*Bridge, error) {
	var proven []string
	for _, w := range c.CustomerIO.All() {
		proven = append(proven, provesWorkspace(w.Name))
	}
	running, seen := live.New(rules), &matches.Seen{}
	b := &Bridge{
		config: c, version: version, started: time.Now(), rules: running, log: log,
		registry: newRegistry(running, version, seen),
		proofs:   newProofs(append(proven, provesBroker, provesSource, provesLetters, provesLedger)...),
		erased:   make(chan struct{}, 1), seen: seen,
	}
	if !rules.Once() {
		b.proofs.note(provesLedger, nil)
	}
	if c.Erasure.Enabled() {
		b.proofs.open = append(b.proofs.open, obstacle{provesFences, errNotProven})
	}
	if len(c.Reports) > 0 {
		b.proofs.open = append(b.proofs.open, obstacle{provesReportState, errNotProven},
			obstacle{provesReports, errNotProven})
	}
	if !c.Source.Section().ChecksFirst() {
		b.proofs.note(provesSource, nil)
	}
	var err error
	if b.decoder, err = newDecoder(c, log, b.registry); err != nil {
		return nil, err
	}
	if b.workspaces, err = workspaces(c); err != nil {
		b.decoder.Close()
		return nil, err
	}
	b.outcomes = outcomes.New(c.Admin.RecentOutcomes, func() string { return running.Now().Hash() })
	b.sender = delivery.New(b.workspaces, log.Named("delivery"), b.registry)
	b.startTraces()
	for i := range b.workspaces {
		b.sender.Hold(i, "", 0)
	}
	return b, nil
}

// Connect reaches the broker, for as long as that takes, and builds the stages that need it.
func (b *Bridge) Connect(ctx context.Context) error {
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
	b.letters = openLetters(b.config, b.broker, b.rules.Now().Hash())
	c := b.config.Pipeline()
	limiter := memory.New(c.Memory)
	if b.source, err = b.broker.Reader(limiter, b.log.Named("consumer"), b.registry); err != nil {
		return exit.With(exit.Input, err)
	}
	b.source.OnReplicas(b.sender.SetReplicas)
	sender, err := b.around(func() ledger.Store { return openLedger(b.config, b.broker) })
	if err != nil {
		return err
	}
	b.pipeline = pipeline.New(c, b.stages(c, sender, limiter), b.log.Named("pipeline"), b.registry)
	b.counter = b.newCounter()
	return b.prepareReports()
}

// prepare proves what must hold before the first event is read: the broker side, and one workspace. They are proven
// side by side, so that each tells what is in its way. The first failure that is final ends both.
func (b *Bridge) prepare(ctx context.Context, workspaces *prover) error {
	return concurrently(ctx, func(ctx context.Context) error { return workspaces.wait(ctx, 1) }, b.proveBroker)
}

func (b *Bridge) proveBroker(ctx context.Context) error {
	if b.pipeline == nil { // the demo has connected before
		if err := b.Connect(ctx); err != nil {
			return err
		}
	}
	if err := concurrently(ctx, b.proveSource, b.proveLetters, b.proveLedger, b.proveFences); err != nil {
		return err
	}
	return b.proveApart(ctx)
}

// run proves what must hold and then carries events until ctx ends. Workspaces that are not proven by then go on being
// proven beside.
func (b *Bridge) run(ctx context.Context) error {
	workspaces := b.proveWorkspaces(ctx)
	defer workspaces.end()
	if err := b.prepare(ctx, workspaces); err != nil {
		if ctx.Err() != nil {
			return b.stoppedBefore()
		}
		return err
	}
	b.flowing.Store(true)
	beside, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var besides sync.WaitGroup
	besides.Go(func() { b.summarize(beside) })
	besides.Go(func() { b.reload(beside) })
	besides.Go(func() { b.watchFences(beside) })
	besides.Go(func() { b.purgeLetters(beside) })
	besides.Go(func() { b.followWebhooks(beside) })
	besides.Go(func() { b.runReports(beside) })
	besides.Go(func() { b.countLetters(beside) })
	for i, probe := range b.probes() {
		besides.Go(func() {
			if workspaces.waitFor(beside, i) {
				probe.Run(beside)
			}
		})
	}
	err := b.carry(ctx)
	b.settleLedger(ctx)
	cancel()
	besides.Wait()
	return err
}

// Close ends what the bridge has opened. It must not run any more.
func (b *Bridge) Close() {
	if b.admin != nil {
		b.admin.close()
	}
	if b.webhooks != nil {
		b.webhooks.Close()
	}
	b.tracer.Close()
	closeAll(b.workspaces)
	b.decoder.Close()
	closeLedger(b.noting)
	b.closeReports()
	if b.broker != nil {
		b.broker.Close()
	}
}

// Serve runs the bridge and its servers until ctx ends or one of them fails. The servers come first: whoever asks for
// health must not take a bridge that waits for its broker for a dead one.
func (b *Bridge) Serve(ctx context.Context) error {
	if b.admin == nil {
		if err := b.Listen(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	served := make(chan error, 2)
	for _, serve := range []func() error{b.admin.serve, func() error { return b.serveWebhooks(ctx) }} {
		go func() {
			err := serve()
			served <- err
			if err != nil {
				cancel()
			}
		}()
	}
	section := b.config.Source.Section()
	b.log.Info("starting", zap.String("version", b.version), zap.String("admin", b.admin.addr()),
		zap.String("source", section.Kind()), zap.Strings("reads", section.Names()),
		zap.String("region", string(b.config.CustomerIO.Region)),
		zap.Strings("workspaces", b.config.CustomerIO.Names()),
		zap.Int("rules", len(b.rules.Now().Stats())), zap.String("config_hash", b.rules.Now().Hash()),
		zap.String("webhooks", b.WebhookAddress()))
	var reminder sync.WaitGroup
	reminder.Go(func() { remind(ctx, b.log, b.obstacles, b.stopped) })
	err := b.run(ctx)
	cancel()
	reminder.Wait()
	b.admin.close()
	err = errors.Join(err, <-served, <-served)
	b.log.Info("stopped")
	return err
}
