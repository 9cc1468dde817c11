package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/internal/cloudevent"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/retry"
	"github.com/ciobridge/ciobridge/internal/serve"
	"github.com/ciobridge/ciobridge/secret"
)

// A Bus stores events, and tells which are stored.
type Bus interface {
	// Publish returns when the event is stored. Where it fails, the event may be stored nevertheless, at most for
	// Settle later, unless it is ErrTooLarge. Object and metric are words for the subject.
	Publish(ctx context.Context, e *cloudevent.Event, object, metric string) error
	// Read gives the ids of what was stored since the last call; the first call gives those of the latest, of which
	// count are enough.
	Read(ctx context.Context, count int, each func(id string)) error
	Close()
}

// ErrTooLarge is the error of a bus that takes no event of that size.
var ErrTooLarge = errors.New("the event is larger than the bus takes")

// Settle is how long after a failed Publish the event may still be stored.
const Settle = 5 * time.Second

const (
	maxBody     = 4 << 20   // bytes of a body
	maxEvent    = 900 << 10 // bytes of what is published; brokers take 1 MiB where nobody has set it
	maxReading  = 64 << 20  // bytes of the bodies that are read at once
	maxOpen     = 1000      // connections; Customer.io needs a few, and further ones wait
	publishTime = 3 * time.Second
	readingTime = 3 * time.Second // of a request; Customer.io waits 4 s for the answer
	readEvery   = time.Second
	slowEvery   = 5 * time.Second // between readings while the bus is away
)

// Server takes webhooks. It answers requests while Serve runs, and takes what they bring while Follow does.
type Server struct {
	config   Config
	keys     []key
	bus      Bus // nil before Follow
	log      *zap.Logger
	listener net.Listener
	seen     *seen
	results  *prometheus.CounterVec
	took     prometheus.Histogram

	reading  atomic.Int64 // bytes of bodies that are read
	failures atomic.Int64 // of publishing
	// known are the failures before the last reading of the bus that counts; -1 before the first, and while it fails.
	known   atomic.Int64
	settled int64                 // the failures before the last reading that did not fail
	why     atomic.Pointer[error] // why the bus cannot be read

	taking sync.RWMutex // held for reading by each request that is taken
	over   bool         // nothing is taken any more

	shown atomic.Pointer[tls.Certificate] // the last certificate that could be read
	kept  atomic.Bool                     // it goes on, because its files cannot be read
}

// New listens, so that an address that is taken is an error at the start. Its errors name the fields of the
// configuration. Close must be called when it is nil.
func New(c Config, log *zap.Logger, reg prometheus.Registerer) (*Server, error) {
	s := &Server{config: c, log: log, seen: newSeen()}
	s.known.Store(-1)
	var err, tlsErr error
	s.keys, err = c.keys()
	if c.TLS != nil {
		_, tlsErr = s.certificate(nil)
	}
	if err = errors.Join(err, tlsErr); err != nil {
		return nil, err
	}
	if s.listener, err = net.Listen("tcp", c.Listen); err != nil {
		return nil, mistake.Of("listen: %w", err)
	}
	s.register(reg)
	return s, nil
}

// Close closes the address and the bus, when neither Serve nor Follow runs any more.
func (s *Server) Close() {
	s.listener.Close()
	if s.bus != nil {
		s.bus.Close()
	}
}

// Address is where it listens.
func (s *Server) Address() string { return s.listener.Addr().String() }

// certificate reads the server's certificate. While its files are being replaced the last one that could be read goes
// on, since after a handshake that fails Customer.io waits for an hour.
func (s *Server) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(s.config.TLS.CertFile, s.config.TLS.KeyFile)
	if err == nil {
		s.shown.Store(&pair)
		s.kept.Store(false)
		return &pair, nil
	}
	err = mistake.Of("tls: read cert_file and key_file: %w", secret.WithoutPath(err))
	if last := s.shown.Load(); last != nil {
		if s.kept.CompareAndSwap(false, true) {
			s.log.Warn("the certificate that was read before goes on", zap.Error(err))
		}
		return last, nil
	}
	return nil, err
}

// Serve answers requests until ctx ends, and then finishes those that are being answered. Who sends slowly is not
// waited for: Customer.io itself gives up after four seconds. Nothing is published after its return.
func (s *Server) Serve(ctx context.Context) error {
	var listener net.Listener = &bounded{Listener: s.listener, open: make(chan struct{}, maxOpen)}
	if s.config.TLS != nil {
		listener = tls.NewListener(listener, &tls.Config{
			MinVersion: tls.VersionTLS12, GetCertificate: s.certificate, NextProtos: []string{"http/1.1"},
		})
	}
	// Anybody can make a handshake or a request fail, as often as he likes.
	quiet, err := zap.NewStdLogAt(s.log, zap.DebugLevel)
	if err != nil {
		return fmt.Errorf("log: %w", err)
	}
	defer func() {
		s.taking.Lock()
		defer s.taking.Unlock()
		s.over = true
	}()
	return serve.Run(ctx, listener, &http.Server{
		Handler: s, ReadHeaderTimeout: readingTime, ReadTimeout: readingTime, WriteTimeout: 2 * publishTime,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: quiet,
	})
}

// Follow reads which events are on the bus until ctx ends. What comes is stored there from the first reading on.
func (s *Server) Follow(ctx context.Context, bus Bus) {
	s.bus = bus
	failing := false
	for {
		failures := s.failures.Load()
		err := s.read(ctx, failures)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			s.log.Warn("webhooks are not taken: the bus cannot be read", zap.Error(err))
		case err == nil && failing:
			s.log.Info("webhooks are taken again")
		}
		pause := readEvery
		if failing = err != nil; failing {
			pause = slowEvery
		}
		if !retry.Sleep(ctx, pause) {
			return
		}
	}
}

// read reads once. What failed to be published may still arrive for a while, so that a reading after a failure counts
// only when that has passed.
func (s *Server) read(ctx context.Context, failures int64) error {
	if failures > s.settled && !retry.Sleep(ctx, Settle) {
		return ctx.Err()
	}
	if err := s.bus.Read(ctx, rememberAtLeast, s.seen.note); err != nil {
		s.why.Store(&err)
		s.known.Store(-1)
		return err
	}
	s.settled = failures
	s.known.Store(failures)
	return nil
}

// Ready is nil while webhooks are taken.
func (s *Server) Ready() error {
	switch known := s.known.Load(); {
	case known < 0 && s.why.Load() != nil:
		return fmt.Errorf("the bus cannot be read: %w", *s.why.Load())
	case known < 0:
		return errors.New("the bus could not be read yet")
	case s.failures.Load() > known:
		return errors.New("the bus has not taken an event")
	}
	return nil
}
