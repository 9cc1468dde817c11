package broker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

const (
	natsDialTimeout   = 5 * time.Second
	natsPingInterval  = 5 * time.Second // three unanswered pings end a connection
	natsReconnectWait = 500 * time.Millisecond
	natsMaxPings      = 3
)

// natsMajor and natsMinor are the first nats-server that can reset a consumer to its ack floor. Without that, the
// messages in flight at a crash come back out of order.
const natsMajor, natsMinor = 2, 14

// NATS is a connection to a NATS server or cluster. When it breaks, it is opened again, however long that takes. It
// is also a Prometheus collector of the connection's state.
//
// What is published while there is no connection fails at once. It does not wait for the next connection.
type NATS struct {
	conn   *nats.Conn
	js     jetstream.JetStream
	api    string // what every subject of JetStream's API begins with
	log    *zap.Logger
	events natsEvents
	closed chan struct{}
	store  *Embedded // the server, where it is in this process

	retried    atomic.Pointer[nats.Conn] // conn, for callbacks; nil until one has told of it
	serverName atomic.Pointer[string]    // that the last TLS handshake has checked; nil before one
}

// NewNATS connects. It tries until the first connection stands or ctx ends, and refuses servers that are too old for
// what the bridge needs.
func NewNATS(ctx context.Context, cfg NATSConfig, log *zap.Logger) (*NATS, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	opts, err := cfg.options()
	if err != nil {
		return nil, err
	}
	return dialNATS(ctx, strings.Join(cfg.URLs, ","), cfg.api(), log, opts...)
}

func dialNATS(ctx context.Context, urls, api string, log *zap.Logger, opts ...nats.Option) (*NATS, error) {
	n := &NATS{api: api, log: log, closed: make(chan struct{})}
	connected := make(chan struct{}, 1)
	opts = append(opts, n.options(connected)...)
	conn, err := nats.Connect(urls, opts...)
	if err != nil {
		return nil, fmt.Errorf("connect to nats: %w", err)
	}
	n.conn = conn
	select {
	case <-connected:
	case <-ctx.Done():
		err := errors.Join(ctx.Err(), n.events.lastError())
		n.Close()
		return nil, fmt.Errorf("connect to nats: %w", err)
	}
	if err := checkNATSVersion(conn.ConnectedServerVersion()); err != nil {
		n.Close()
		return nil, err
	}
	if n.js, err = n.NewJetStream(); err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

// options are what is the same for every connection. The first connect is told to connected.
func (n *NATS) options(connected chan<- struct{}) []nats.Option {
	return []nats.Option{
		nats.Name("ciobridge"),
		n.noteServerName,
		nats.Timeout(natsDialTimeout),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.CustomReconnectDelay(n.beforeRetry),
		nats.ReconnectBufSize(-1),
		nats.PingInterval(natsPingInterval),
		nats.MaxPingsOutstanding(natsMaxPings),
		nats.IgnoreAuthErrorAbort(), // credentials may be on their way; giving up would need a restart
		nats.ConnectHandler(func(nc *nats.Conn) {
			n.retried.Store(nc)
			connected <- struct{}{}
		}),
		nats.DisconnectErrHandler(n.onDisconnect),
		nats.ReconnectHandler(n.onReconnect),
		nats.ReconnectErrHandler(n.onError),
		nats.ErrorHandler(func(nc *nats.Conn, _ *nats.Subscription, err error) { n.onError(nc, err) }),
		nats.ClosedHandler(func(*nats.Conn) { close(n.closed) }),
	}
}

// checkNATSVersion refuses a server that is too old.
func checkNATSVersion(version string) error {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return nil // disconnected meanwhile, or a build without a version: what is missing shows when it is used
	}
	major, err1 := strconv.Atoi(parts[0])
	minor, err2 := strconv.Atoi(parts[1])
	if err1 == nil && err2 == nil && (major < natsMajor || major == natsMajor && minor < natsMinor) {
		return fmt.Errorf("nats-server %s is too old: ciobridge needs %d.%d or newer, "+
			"which can set a consumer back to its acknowledgement floor: upgrade the server",
			version, natsMajor, natsMinor)
	}
	return nil
}

// Conn is the connection itself.
func (n *NATS) Conn() *nats.Conn { return n.conn }

// JetStream is the JetStream API of the connection's account.
func (n *NATS) JetStream() jetstream.JetStream { return n.js }

// NewJetStream gives one more with settings of its own.
func (n *NATS) NewJetStream(opts ...jetstream.JetStreamOpt) (js jetstream.JetStream, err error) {
	if n.api == defaultAPI {
		js, err = jetstream.New(n.conn, opts...)
	} else {
		js, err = jetstream.NewWithAPIPrefix(n.conn, n.api, opts...)
	}
	if err != nil {
		return nil, fmt.Errorf("use jetstream: %w", err)
	}
	return js, nil
}

// API is the subject of a request to JetStream, such as STREAM.NAMES, where the account has it.
func (n *NATS) API(request string) string { return n.api + "." + request }

// Trouble is why nothing can be read or published: there is no connection at the moment, or the store of the embedded
// server takes nothing. It is nil while all is well.
func (n *NATS) Trouble() error {
	if n.store != nil {
		if err := n.store.Trouble(); err != nil {
			return err
		}
	}
	if n.conn.IsConnected() {
		return nil
	}
	if err := n.events.lastError(); err != nil {
		return fmt.Errorf("not connected to nats, which is tried for as long as it takes: %w", err)
	}
	return errors.New("not connected to nats, which is tried for as long as it takes")
}

// Close ends the connection and waits until its last callback has returned.
func (n *NATS) Close() {
	n.conn.Close()
	<-n.closed
}

func (n *NATS) onDisconnect(nc *nats.Conn, err error) {
	if nc.IsClosed() {
		return // closed by us
	}
	n.events.recordDisconnect()
	n.log.Warn("nats connection lost", zap.Error(err))
}

func (n *NATS) onReconnect(nc *nats.Conn) {
	n.events.recordReconnect()
	n.log.Info("nats connection restored", zap.String("server", nc.ConnectedServerName()))
}

// onError counts every asynchronous error. It logs the first of each kind since the last connection only, because a
// refused connect is reported at every attempt. The client's errors name subjects at most, never payloads.
func (n *NATS) onError(nc *nats.Conn, err error) {
	n.retried.Store(nc)
	kind, first := n.events.recordError(err)
	if first {
		n.log.Warn("nats connection failed", zap.String("kind", kind), zap.Error(err))
	}
}

// beforeRetry is how long to wait before all servers are tried once more. The library tells of attempts that find no
// server, and of those that it refuses; of handshakes of TLS that fail it only keeps the error.
func (n *NATS) beforeRetry(int) time.Duration {
	if nc := n.retried.Load(); nc != nil {
		if err := nc.LastError(); Untrusted(err) {
			n.onError(nc, err)
		}
	}
	return natsReconnectWait + rand.N(natsReconnectWait)
}

// IsTooLarge reports whether an error of publishing to a stream says that it, or the server, takes no message of that
// size.
func IsTooLarge(err error) bool {
	var refused *jetstream.APIError
	return errors.Is(err, nats.ErrMaxPayload) ||
		errors.As(err, &refused) && refused.ErrorCode == jetstream.JSErrCodeStreamMessageExceedsMaximum
}
