package demo

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/serve"
	"github.com/ciobridge/ciobridge/internal/shop"
	"github.com/ciobridge/ciobridge/source/nats"
)

// Options say what is shown, and where.
type Options struct {
	Dir     string // the folder of the demo
	Events  int    // how many sample events are published
	Seed    uint64 // what they are made from
	Once    bool   // end when they are finished
	JSON    bool   // the result as JSON, and everything for people on standard error
	Version string // of the program
}

// A demo is everything in one process.
type demo struct {
	Options
	folder *folder
	cio    *emulator.Server
	at     addresses
	bridge *app.Bridge
	config *nats.Embedded
	tracer tracer
	log    *zap.Logger
	talk   io.Writer // for what a person reads
	began  time.Time
}

// The ports that a demo takes if they are free.
const (
	natsPort     = 4222
	emulatorPort = 8085
	adminPort    = 8080
	webhookPort  = 8443
)

// Run shows the demo until ctx ends, or the sample events are finished. Its error has the exit code.
func Run(ctx context.Context, o Options, out, errs io.Writer) (err error) {
	d := &demo{Options: o, talk: out}
	if o.JSON {
		d.talk = errs
	}
	if d.folder, err = openFolder(o.Dir); err != nil {
		return exit.With(exit.Input, err)
	}
	log, err := os.OpenFile(d.folder.path(logName), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	customers, err := d.listen(ctx)
	if err != nil {
		return err
	}
	if err := d.join(ctx, log); err != nil {
		return errors.Join(err, customers.Close())
	}
	defer d.bridge.Close()
	stop := d.emulate(ctx, customers)
	defer func() { err = errors.Join(err, stop()) }()
	return d.run(ctx, out)
}

// emulate serves Customer.io until stop is called, and has it send webhooks to the bridge.
func (d *demo) emulate(ctx context.Context, customers net.Listener) (stop func() error) {
	d.cio = emulator.New(emulator.Options{Region: "eu", Seed: d.Seed,
		Faults: []emulator.Fault{{Name: "recalled product", Contains: shop.Recalled, Refuse: "invalid"}},
		Webhook: emulator.Webhook{
			URL: "http://" + d.bridge.WebhookAddress() + webhooksPath, Retry: 50 * time.Millisecond,
		}})
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx)) // the bridge still sends while it stops
	served := make(chan error, 1)
	go func() { served <- serve.Until(serving, customers, d.cio) }()
	var webhooks sync.WaitGroup
	webhooks.Go(func() { d.cio.SendWebhooks(serving) })
	return func() error {
		cancel()
		webhooks.Wait()
		return <-served
	}
}

// listen opens the emulator's port and chooses the other ports. Any free ports will do with once, when nobody comes to
// visit, and beside another demo, which has the emulator's port and is about to take the others.
func (d *demo) listen(ctx context.Context) (net.Listener, error) {
	port := emulatorPort
	if d.Once {
		port = 0
	}
	customers, err := serve.ListenNear(ctx, port)
	if err != nil {
		return nil, err
	}
	free := serve.Loopback(0)
	d.at = addresses{nats: free, admin: free, webhooks: free, emulator: customers.Addr().String()}
	if d.at.emulator == serve.Loopback(emulatorPort) {
		d.at.nats, d.at.admin = serve.AddressNear(ctx, natsPort), serve.AddressNear(ctx, adminPort)
		d.at.webhooks = serve.AddressNear(ctx, webhookPort)
	}
	return customers, nil
}

// join builds the bridge from the folder's configuration, as run would, and empties its broker.
func (d *demo) join(ctx context.Context, log io.Writer) error {
	path, err := d.folder.draft(d.at)
	if err != nil {
		return err
	}
	c, rules, err := app.Load(config.File(path))
	if err != nil {
		return err
	}
	logger, err := app.NewLogger(c.Log, log)
	if err != nil {
		return err
	}
	d.config, d.log = c.Source.Embedded, logger
	d.tracer = tracer{demo: d, next: map[string]int64{}}
	if d.tracer.rules, err = c.Compile(); err != nil {
		return err
	}
	if d.bridge, err = app.New(c, rules, logger, d.Version); err != nil {
		return err
	}
	if err := d.connect(ctx); err != nil {
		d.bridge.Close()
		return err
	}
	return nil
}

// connect starts the broker and listens, and makes the folder this demo's.
func (d *demo) connect(ctx context.Context) error {
	if err := d.bridge.Connect(ctx); err != nil {
		return err
	}
	if err := d.bridge.Listen(); err != nil {
		return err
	}
	d.at.nats, d.at.admin = strings.TrimPrefix(d.broker().Server().URL(), "nats://"), d.bridge.AdminAddress()
	d.at.webhooks = d.bridge.WebhookAddress()
	return errors.Join(d.folder.settle(d.at), d.emptyStreams(ctx), d.makeStream(ctx))
}

// broker is the bridge's, which is embedded.
func (d *demo) broker() *nats.Broker { return d.bridge.Broker().(*nats.Broker) }

// run runs the bridge while the sample events are published and counted.
func (d *demo) run(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	deaf, err := d.hear(ctx)
	if err != nil {
		return err
	}
	defer deaf()
	ended := make(chan error, 1)
	go func() {
		ended <- d.bridge.Serve(ctx)
		cancel()
	}()
	result, err := d.samples(ctx)
	if err == nil {
		err = d.campaign(ctx, &result)
	}
	if err == nil {
		err = d.tell(out, result)
	}
	if err == nil && !d.Once {
		d.invite()
		err = d.follow(ctx, result)
	}
	interrupted := ctx.Err() != nil
	cancel()
	if failed := <-ended; failed != nil {
		return failed
	}
	if interrupted && !d.Once && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
