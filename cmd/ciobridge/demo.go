package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/source/nats"
)

// demoOptions are the flags of the demo.
type demoOptions struct {
	dir    string
	events int
	seed   uint64
	once   bool
	output format
}

func newDemo() *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show a whole bridge at work, with nothing installed",
		Long: "Run a broker, a bridge and a local Customer.io in this process, publish sample events of a small shop, some of them\n" +
			"broken on purpose, and tell what became of each. Then wait for events of your own until an interrupt. The folder keeps the\n" +
			"configuration and the rules, for the other commands to use. No account and no credentials are needed.",
		Example: "  ciobridge demo\n  ciobridge demo --events 20000 --once -o json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.events < 0 {
				return exit.With(exit.Input, fmt.Errorf("--events: %d is negative", o.events))
			}
			return runDemo(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.dir, "dir", "ciobridge-demo", "the folder for configuration, rules, events and dead letters")
	f.IntVar(&o.events, "events", 1000, "how many sample events to publish")
	f.Uint64Var(&o.seed, "seed", 1, "what the sample events are made from")
	f.BoolVar(&o.once, "once", false, "end when the sample events are done; exit code 0 says that the counts add up")
	outputFlag(cmd, &o.output)
	return cmd
}

// A demo is everything in one process.
type demo struct {
	demoOptions
	folder *demoFolder
	cio    *emulator.Server
	at     demoAddresses
	bridge *bridge
	admin  *admin
	talk   io.Writer // for what a person reads
	began  time.Time
}

// The ports that a demo takes if they are free.
const (
	demoNATSPort     = 4222
	demoEmulatorPort = 8085
	demoAdminPort    = 8080
)

func runDemo(ctx context.Context, o demoOptions, out, errs io.Writer) (err error) {
	d := &demo{demoOptions: o, talk: out}
	if o.output == asJSON {
		d.talk = errs
	}
	if d.folder, err = openDemoFolder(o.dir); err != nil {
		return exit.With(exit.Input, err)
	}
	log, err := os.OpenFile(d.folder.path(demoLog), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	customers, err := d.listen(ctx)
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx)) // the bridge still sends while it stops
	served := make(chan error, 1)
	go func() { served <- serveUntil(serving, customers, d.cio) }()
	defer func() {
		stop()
		err = errors.Join(err, <-served)
	}()
	if err := d.join(ctx, log); err != nil {
		return err
	}
	defer d.bridge.close()
	return d.carry(ctx, out)
}

// listen opens the emulator and chooses the other ports. Any free ports will do with once, when nobody comes to visit, and beside
// another demo, which has the emulator's port and is about to take the others.
func (d *demo) listen(ctx context.Context) (net.Listener, error) {
	port := demoEmulatorPort
	if d.once {
		port = 0
	}
	customers, err := listenNear(ctx, port)
	if err != nil {
		return nil, err
	}
	d.at = demoAddresses{nats: loopback(0), admin: loopback(0), emulator: customers.Addr().String()}
	if d.at.emulator == loopback(demoEmulatorPort) {
		d.at.nats, d.at.admin = addressNear(ctx, demoNATSPort), addressNear(ctx, demoAdminPort)
	}
	d.cio = emulator.New(emulator.Options{Region: "eu", Seed: d.seed, Faults: []emulator.Fault{
		{Name: "recalled product", Contains: recalled, Refuse: "invalid"},
	}})
	return customers, nil
}

// join builds the bridge from the folder's configuration, as run would, and empties its broker.
func (d *demo) join(ctx context.Context, log io.Writer) error {
	path, err := d.folder.draft(d.at)
	if err != nil {
		return err
	}
	c, rules, err := load(path)
	if err != nil {
		return err
	}
	logger, err := newLogger(c.Log, log)
	if err != nil {
		return err
	}
	if d.bridge, err = newBridge(c, rules, logger); err != nil {
		return err
	}
	if err := d.bridge.connect(ctx); err != nil {
		d.bridge.close()
		return err
	}
	if d.admin, err = newAdmin(d.bridge); err != nil {
		d.bridge.close()
		return exit.With(exit.Input, err)
	}
	d.at.nats, d.at.admin = strings.TrimPrefix(d.broker().Server().URL(), "nats://"), d.admin.addr()
	if err = errors.Join(d.folder.settle(d.at), d.emptyStreams(ctx)); err != nil {
		d.admin.listener.Close()
		d.bridge.close()
	}
	return err
}

// broker is the bridge's, which is embedded.
func (d *demo) broker() *nats.Broker { return d.bridge.broker.(*nats.Broker) }

// carry runs the bridge while the sample events are published and counted.
func (d *demo) carry(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		ended <- d.bridge.serveWith(ctx, d.admin)
		cancel()
	}()
	result, err := d.samples(ctx)
	if err == nil {
		err = d.tell(out, result)
	}
	if err == nil && !d.once {
		d.invite()
		err = d.follow(ctx, result)
	}
	interrupted := ctx.Err() != nil
	cancel()
	if failed := <-ended; failed != nil {
		return failed
	}
	if interrupted && !d.once && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
