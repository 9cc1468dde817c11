package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/apiversions"
)

const (
	dialTimeout    = 10 * time.Second // the whole of connecting: TCP, TLS, versions, authentication
	requestTimeout = 10 * time.Second // one exchange, where the caller's context sets no deadline
)

var dialer = &net.Dialer{Timeout: dialTimeout}

// newest holds back versions that kafka-go v0.4.51 does not read or write as brokers do. From version 1 on it takes the
// error and the throttle time of the answers to Heartbeat and LeaveGroup in the wrong order, so that every error reads
// as none; its SyncGroup 5 lacks the compact strings. Brokers from Kafka 2.3 to 4.3 speak the versions named here.
var newest = map[protocol.ApiKey]int16{
	protocol.Heartbeat:  0,
	protocol.LeaveGroup: 0,
	protocol.JoinGroup:  5,
	protocol.SyncGroup:  3,
}

// KafkaConn is one connection to one broker, authenticated and with its protocol versions known. It carries one
// exchange at a time, is not safe for concurrent use, and is closed by the first error.
type KafkaConn struct {
	proto    *protocol.Conn
	versions map[protocol.ApiKey]int16 // that are spoken
	ranges   map[protocol.ApiKey][2]int16
}

// Dial connects to the broker at addr (host:port). A refused authentication is kafka.SASLAuthenticationFailed, and what
// does not speak Kafka a *PeerError.
func (k *Kafka) Dial(ctx context.Context, addr string) (*KafkaConn, error) {
	c, _, err := k.connect(ctx, addr)
	return c, err
}

// dialPooled makes the connections of kafka-go's pool, which sets no deadline for the authentication and believes what
// it reads. The pool asks for the versions once more.
func (k *Kafka) dialPooled(ctx context.Context, _, addr string) (net.Conn, error) {
	_, conn, err := k.connect(ctx, addr)
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Time{})
}

// connect makes a connection, over TLS if need be, on which the broker knows who we are.
func (k *Kafka) connect(ctx context.Context, addr string) (*KafkaConn, net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	opened, err := k.open(ctx, addr)
	if err != nil {
		return nil, nil, err
	}
	var conn net.Conn = opened
	var known *session
	if identity := k.identify(); identity != nil {
		known = &session{checked: opened, identity: identity, log: k.log}
		conn = known
	}
	c := &KafkaConn{proto: protocol.NewConn(conn, clientID)}
	unbind := c.bind(ctx)
	err = c.greet()
	if err == nil && known != nil {
		err = c.identify(ctx, known)
	}
	if err != nil {
		c.Close()
	}
	if stopped := unbind(); !stopped && err == nil { // the connection has been given a deadline that is past
		c.Close()
		err = ctx.Err()
	}
	var peer *PeerError
	switch {
	case err == nil:
		return c, conn, nil
	case errors.As(err, &peer):
		return nil, nil, peer
	}
	return nil, nil, fmt.Errorf("connect to %s: %w", addr, err)
}

func (k *Kafka) open(ctx context.Context, addr string) (*checked, error) {
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if config := k.trust(); config != nil {
		if config.ServerName == "" {
			config.ServerName, _, _ = net.SplitHostPort(addr)
		}
		secured := tls.Client(conn, config)
		if err := secured.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, untrusted(addr, err)
		}
		conn = secured
	}
	return &checked{Conn: conn, addr: addr, idle: true}, nil
}

// trust reads the files of the certificates again. While they are being replaced, it is what they were before.
func (k *Kafka) trust() *tls.Config {
	if k.config.TLS == nil {
		return nil
	}
	if loaded, err := k.config.TLS.Client(); err == nil {
		k.tls.Store(loaded)
	}
	return k.tls.Load().Clone()
}

func (c *KafkaConn) greet() (err error) {
	defer recoverDecode(&err)
	res, err := c.proto.RoundTrip(new(apiversions.Request))
	if err != nil {
		return fmt.Errorf("ask for versions: %w", err)
	}
	answer := res.(*apiversions.Response)
	if answer.ErrorCode != 0 {
		return fmt.Errorf("ask for versions: %w", kafka.Error(answer.ErrorCode))
	}
	c.versions = make(map[protocol.ApiKey]int16, len(answer.ApiKeys))
	c.ranges = make(map[protocol.ApiKey][2]int16, len(answer.ApiKeys))
	for _, r := range answer.ApiKeys {
		key, most := protocol.ApiKey(r.ApiKey), r.MaxVersion
		if limit, ok := newest[key]; ok && limit < most {
			most = limit
		}
		c.ranges[key] = [2]int16{r.MinVersion, r.MaxVersion}
		c.versions[key] = key.SelectVersion(r.MinVersion, most)
	}
	c.proto.SetVersions(c.versions)
	return nil
}

// identify proves to the broker who we are.
func (c *KafkaConn) identify(ctx context.Context, s *session) (err error) {
	defer recoverDecode(&err)
	s.versions = c.versions
	return s.authenticate(ctx)
}

// Versions are the oldest and the newest version of a request that the broker takes; both are -1 for one that it does
// not know.
func (c *KafkaConn) Versions(key protocol.ApiKey) (oldest, newest int16) {
	if r, ok := c.ranges[key]; ok {
		return r[0], r[1]
	}
	return -1, -1
}

// RoundTrip makes one request. It ends with ctx, and after ten seconds where ctx has no deadline.
func (c *KafkaConn) RoundTrip(ctx context.Context, req protocol.Message) (res protocol.Message, err error) {
	unbind := c.bind(ctx)
	defer unbind()
	defer c.closeOn(ctx, &err)
	defer recoverDecode(&err)
	return c.proto.RoundTrip(req)
}

// Exchange writes a request that the caller has encoded, its size included, and lets read take the answer off the
// connection. It is for the one request whose answer is too large to be copied.
func (c *KafkaConn) Exchange(ctx context.Context, req []byte, read func(io.Reader) error) (err error) {
	unbind := c.bind(ctx)
	defer unbind()
	defer c.closeOn(ctx, &err)
	defer recoverDecode(&err)
	if _, err := c.proto.Write(req); err != nil {
		return err
	}
	return read(c.proto)
}

// Close closes the connection. It may be called twice.
func (c *KafkaConn) Close() { _ = c.proto.Close() }

// bind puts ctx's deadline on the connection and interrupts the exchange when ctx ends.
// Unbind reports whether it did not come to that.
func (c *KafkaConn) bind(ctx context.Context) (unbind func() bool) {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(requestTimeout)
	}
	_ = c.proto.SetDeadline(deadline)
	return context.AfterFunc(ctx, func() { _ = c.proto.SetDeadline(time.Unix(1, 0)) })
}

// closeOn closes a connection on which an exchange failed, because what else would come over it belongs to that
// exchange.
func (c *KafkaConn) closeOn(ctx context.Context, err *error) {
	if *err == nil {
		return
	}
	c.Close()
	if ctx.Err() != nil {
		*err = ctx.Err()
	}
}

// recoverDecode turns a panic over a malformed answer into an error.
func recoverDecode(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("malformed answer from the broker: %v", r)
	}
}
