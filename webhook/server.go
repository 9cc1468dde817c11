package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/internal/cloudevent"
	"github.com/ciobridge/ciobridge/internal/retry"
	"github.com/ciobridge/ciobridge/internal/serve"
	"github.com/ciobridge/ciobridge/secret"
)

// A Bus stores events, and tells which are stored.
type Bus interface {
	// Publish returns when the event is stored. Where it fails, the event may be stored nevertheless, at most for
	// Settle later. Object and metric are words for the subject, and the person is for the partition.
	Publish(ctx context.Context, e *cloudevent.Event, object, metric string) error
	// Read gives the ids of what was stored since the last call; the first call gives those of the latest, of which
	// count are enough.
	Read(ctx context.Context, count int, each func(id string)) error
	Close()
}

// Settle is how long after a failed Publish the event may still be stored.
const Settle = 5 * time.Second

const (
	maxBody     = 4 << 20   // bytes of a body
	maxEvent    = 900 << 10 // bytes of what is published; brokers take 1 MiB where nobody has set it
	maxReading  = 64 << 20  // bytes of the bodies that are read at once
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

	reading  atomic.Int64 // bytes reserved for bodies
	failures atomic.Int64 // of publishing
	known    atomic.Int64 // the failures before the last reading of the bus that counts; -1 before the first
}

// New listens, so that an address that is taken is an error at the start. Its error names the field of the
// configuration. Close must be called when it is nil.
func New(c Config, log *zap.Logger, reg prometheus.Registerer) (*Server, error) {
	s := &Server{config: c, log: log, seen: newSeen()}
	s.known.Store(-1)
	var err error
	if s.keys, err = c.keys(); err != nil {
		return nil, err
	}
	if c.TLS != nil {
		if _, err := c.TLS.certificate(nil); err != nil {
			return nil, err
		}
	}
	if s.listener, err = net.Listen("tcp", c.Listen); err != nil {
		return nil, fmt.Errorf("listen: %w", err)
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

// certificate reads the server's certificate.
func (t *TLS) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("tls: read cert_file and key_file: %w", secret.WithoutPath(err))
	}
	return &pair, nil
}

// Serve answers requests until ctx ends, and then finishes those that are being answered. Who sends slowly is not
// waited for: Customer.io itself gives up after four seconds.
func (s *Server) Serve(ctx context.Context) error {
	listener := s.listener
	if s.config.TLS != nil {
		listener = tls.NewListener(listener, &tls.Config{
			MinVersion: tls.VersionTLS12, GetCertificate: s.config.TLS.certificate, NextProtos: []string{"http/1.1"},
		})
	}
	// Anybody can make a handshake or a request fail, as often as he likes.
	quiet, err := zap.NewStdLogAt(s.log, zap.DebugLevel)
	if err != nil {
		return fmt.Errorf("log: %w", err)
	}
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
	if known := s.known.Load(); known >= 0 && failures > known && !retry.Sleep(ctx, Settle) {
		return ctx.Err()
	}
	if err := s.bus.Read(ctx, rememberAtLeast, s.seen.note); err != nil {
		s.known.Store(-1)
		return err
	}
	s.known.Store(failures)
	return nil
}

// Ready is nil while webhooks are taken.
func (s *Server) Ready() error {
	switch known := s.known.Load(); {
	case known < 0:
		return errors.New("the bus could not be read yet")
	case s.failures.Load() > known:
		return errors.New("the bus has not taken an event")
	}
	return nil
}
