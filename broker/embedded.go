package broker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

const (
	embeddedStartTimeout = 30 * time.Second // a large store is checked before the server is ready
	embeddedMaxStore     = 1 << 60          // bytes; the disk is the limit
)

// Embedded is a NATS server inside this process.
type Embedded struct {
	cfg      EmbeddedConfig
	log      *zap.Logger
	lock     *os.File
	stop     context.CancelFunc
	watching sync.WaitGroup

	mu      sync.Mutex
	run     embeddedRun
	trouble error // why the store takes nothing; nil while it does
}

// embeddedRun is the server from one start to its end.
type embeddedRun struct {
	server  *server.Server
	started chan struct{} // closed when the server's own Start has returned
}

// StartEmbedded starts the server and makes its streams. A directory that another process uses is refused.
func StartEmbedded(cfg EmbeddedConfig, log *zap.Logger) (*Embedded, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.WithDefaults()
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, err
	}
	watch, stop := context.WithCancel(context.Background())
	e := &Embedded{cfg: cfg, log: log, lock: lock, stop: stop}
	if e.run, err = e.start(); err != nil {
		stop()
		return nil, errors.Join(err, lock.Close())
	}
	e.cfg.Listen = e.run.server.Addr().String() // the same port after another start
	ctx, cancel := context.WithTimeout(context.Background(), embeddedStartTimeout)
	defer cancel()
	if err := e.makeStreams(ctx, cfg.Streams); err != nil {
		e.Close()
		return nil, err
	}
	e.watching.Go(func() { e.watch(watch) })
	return e, nil
}

func (e *Embedded) start() (embeddedRun, error) {
	host, port, err := e.cfg.address()
	if err != nil {
		return embeddedRun{}, err
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	srv, err := server.NewServer(&server.Options{
		ServerName: "ciobridge",
		Host:       host,
		Port:       port,
		JetStream:  true,
		StoreDir:   filepath.Join(e.cfg.Dir, "nats"),
		SyncAlways: true, // an acknowledged event survives the machine, not only the process
		NoSigs:     true,
		// The server's own limit is a share of what is free when it starts, what it holds already included: a store
		// that fills most of its disk would take nothing more after a restart, and no more when the disk has grown.
		JetStreamMaxStore: embeddedMaxStore,
	})
	if err != nil {
		return embeddedRun{}, fmt.Errorf("configure embedded nats-server: %w", err)
	}
	failure := &embeddedLog{log: e.log}
	srv.SetLoggerV2(failure, false, false, false)
	run := embeddedRun{server: srv, started: make(chan struct{})}
	go func() {
		defer close(run.started)
		srv.Start()
	}()
	if !ready(srv, failure) {
		run.end()
		return embeddedRun{}, fmt.Errorf("start embedded nats-server: %w", failure.cause())
	}
	return run, nil
}

// end stops the server and waits until its files are closed.
func (r *embeddedRun) end() {
	r.server.Shutdown()
	r.server.WaitForShutdown()
	<-r.started
}

// ready waits until the server takes connections, or has said why it never will.
func ready(srv *server.Server, failure *embeddedLog) bool {
	for deadline := time.Now().Add(embeddedStartTimeout); time.Now().Before(deadline); {
		if srv.ReadyForConnections(100 * time.Millisecond) {
			return true
		}
		if failure.text() != "" {
			return false
		}
	}
	return false
}

func (e *Embedded) makeStreams(ctx context.Context, streams []EmbeddedStream) error {
	conn, err := e.NATS(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, s := range streams {
		_, err := conn.JetStream().CreateOrUpdateStream(ctx, jetstream.StreamConfig{
			Name:      s.Name,
			Subjects:  s.Subjects,
			Storage:   jetstream.FileStorage,
			Retention: jetstream.LimitsPolicy,
			MaxAge:    s.MaxAge,
		})
		if err != nil {
			return fmt.Errorf("make stream %s: %w", s.Name, err)
		}
	}
	return nil
}

// URL is the address for publishers.
func (e *Embedded) URL() string { return e.current().ClientURL() }

// NATS connects to the server without a socket. The caller closes the connection before the server.
func (e *Embedded) NATS(ctx context.Context) (*NATS, error) {
	n, err := dialNATS(ctx, e.URL(), defaultAPI, e.log, nats.InProcessServer(e))
	if err != nil {
		return nil, err
	}
	n.store = e
	return n, nil
}

// InProcessConn is a connection to the server as it runs at the moment. The client library asks for one whenever it
// connects.
func (e *Embedded) InProcessConn() (net.Conn, error) { return e.current().InProcessConn() }

// Close stops the server, waits until its files are closed, and gives the directory free.
func (e *Embedded) Close() {
	e.stop()
	e.watching.Wait()
	e.run.end()
	unlockDir(e.lock)
}
