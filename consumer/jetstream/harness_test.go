package jetstream

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/consumertest"
	"github.com/ciobridge/ciobridge/internal/retry"
)

// natsServer is the embedded server with a stream EVENTS, and a client of its own to publish and to look.
type natsServer struct {
	t      testing.TB
	cfg    broker.EmbeddedConfig
	srv    *broker.Embedded
	client *broker.NATS
}

func startNATS(t testing.TB) *natsServer {
	t.Helper()
	s := &natsServer{t: t, cfg: broker.EmbeddedConfig{
		Dir:     filepath.Join(t.TempDir(), "nats"),
		Listen:  "127.0.0.1:0",
		Streams: []broker.EmbeddedStream{{Name: "EVENTS", Subjects: []string{"events.>"}}},
	}}
	s.start()
	s.client = s.dial(s.srv.URL())
	t.Cleanup(func() { s.srv.Close() })
	t.Cleanup(s.client.Close)
	return s
}

func (s *natsServer) start() {
	s.t.Helper()
	srv, err := broker.StartEmbedded(s.cfg, canarytest.Logger(s.t))
	if err != nil {
		s.t.Fatal(err)
	}
	s.srv = srv
	s.cfg.Listen = strings.TrimPrefix(srv.URL(), "nats://") // the same port after a restart
}

func (s *natsServer) restart() {
	s.srv.Close()
	s.start()
	waitUntil(s.t, "the client is connected again", s.client.Conn().IsConnected)
}

// dial connects over a socket, so that a restart of the server is a broken connection.
func (s *natsServer) dial(url string) *broker.NATS {
	s.t.Helper()
	conn, err := broker.NewNATS(s.t.Context(), broker.NATSConfig{URLs: []string{url}}, canarytest.Logger(s.t))
	if err != nil {
		s.t.Fatal(err)
	}
	return conn
}

// natsBed is the server as the contract's tests see it.
type natsBed struct{ *natsServer }

func (b natsBed) Publish(values ...string) {
	b.t.Helper()
	for _, value := range values {
		b.store("events.test", []byte(value))
	}
}

func (b natsBed) Open() consumertest.Source {
	r := b.replica(fastConfig())
	b.t.Cleanup(r.conn.Close)
	return r.source
}

// publish stores messages from the sequence first to last, whose payload is their sequence.
func (s *natsServer) publish(first, last int) {
	s.t.Helper()
	s.publishTo("events.test", first, last)
}

func (s *natsServer) publishTo(subject string, first, last int) {
	s.t.Helper()
	if last-first >= 100 {
		first = s.publishMany(subject, first, last)
	}
	for i := first; i <= last; i++ {
		if seq := s.store(subject, fmt.Append(nil, i)); seq != uint64(i) {
			s.t.Fatalf("message %d has sequence %d", i, seq)
		}
	}
}

// message has something personal beside what it is about, for the search of logs and metrics.
func message(subject string, value []byte) *nats.Msg {
	return &nats.Msg{Subject: subject, Data: value, Header: nats.Header{"Who": {canarytest.Person}}}
}

// publishMany publishes messages without waiting for each, and returns the next to be published: the first that was
// not stored, or else the one after the last.
func (s *natsServer) publishMany(subject string, first, last int) (next int) {
	s.t.Helper()
	js := s.client.JetStream()
	for i := first; i <= last; i++ {
		// An error shows in what is stored.
		_, _ = js.PublishMsgAsync(message(subject, fmt.Append(nil, i)), jetstream.WithExpectLastSequence(uint64(i-1)))
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-time.After(20 * time.Second):
	}
	return int(s.stream().CachedInfo().State.LastSeq) + 1
}

// store publishes a message and returns its sequence. On a busy machine the client's connection may break, and then
// it is not known whether the message was stored. Since nobody else publishes, the end of the stream tells, and what
// is missing is published again.
func (s *natsServer) store(subject string, value []byte) (seq uint64) {
	s.t.Helper()
	var before *uint64
	patient := retry.Policy{First: 20 * time.Millisecond, Longest: time.Second, Limit: time.Minute}
	err := retry.Do(s.t.Context(), patient, func(ctx context.Context) error {
		stream, err := s.client.JetStream().Stream(ctx, "EVENTS")
		if err != nil {
			return err
		}
		last := stream.CachedInfo().State.LastSeq
		if before == nil {
			before = &last
		}
		if seq = last; last > *before {
			return nil
		}
		ack, err := s.client.JetStream().PublishMsg(ctx, message(subject, value))
		if err == nil {
			seq = ack.Sequence
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return seq
}

func (s *natsServer) stream() jetstream.Stream {
	s.t.Helper()
	stream, err := s.client.JetStream().Stream(s.t.Context(), "EVENTS")
	if err != nil {
		s.t.Fatal(err)
	}
	return stream
}

// consumer is the state of the bridge's consumer, zero while there is none.
func (s *natsServer) consumer() *jetstream.ConsumerInfo {
	s.t.Helper()
	c, err := s.client.JetStream().Consumer(s.t.Context(), "EVENTS", "ciobridge")
	if err != nil {
		return &jetstream.ConsumerInfo{} // not made yet
	}
	return c.CachedInfo()
}

func (s *natsServer) ackFloor() uint64 { return s.consumer().AckFloor.Stream }

// fastConfig reads EVENTS with times that suit a test.
func fastConfig() Config {
	cfg := DefaultConfig()
	cfg.Streams = []StreamConfig{{Name: "EVENTS"}}
	cfg.StartAt = "earliest"
	cfg.CommitInterval = 200 * time.Millisecond
	cfg.DrainLimit = 2 * time.Second
	cfg.SessionTimeout = 1500 * time.Millisecond
	cfg.tuning = tuning{
		ackWait: time.Hour, heartbeat: 200 * time.Millisecond, expires: 2 * time.Second,
		answer: 3 * time.Second, retry: 50 * time.Millisecond, prefetch: 2000,
	}
	return cfg
}

// replica is one process that reads: a source with a connection and metrics of its own, and a handler that notes what
// it gets.
type replica struct {
	t      testing.TB
	conn   *broker.NATS
	source *Source
	reg    *prometheus.Registry
	cancel context.CancelFunc
	ended  chan error

	mu         sync.Mutex
	got        []int64
	acks       map[int64]func()
	leases     []context.Context
	autoAck    func(seq int64) bool    // what is done as soon as it is delivered; nil for everything
	onLeaseEnd func(lease event.Lease) // called when a lease ends, and waited for
	blocked    chan struct{}           // when set, the handler waits for it to close, or for the lease
	before     func(seq int64)         // when set, is called first, and may block
}

// readFive publishes five messages and returns a replica that has read them, once they are acknowledged.
func (s *natsServer) readFive() *replica {
	s.t.Helper()
	s.publish(1, 5)
	r := s.replica(fastConfig()).start()
	waitUntil(s.t, "five are acknowledged", func() bool { return s.ackFloor() == 5 })
	return r
}

func (s *natsServer) replica(cfg Config) *replica {
	s.t.Helper()
	return s.replicaVia(cfg, s.srv.URL())
}

// replicaVia makes a replica that reaches the server by another address.
func (s *natsServer) replicaVia(cfg Config, url string) *replica {
	s.t.Helper()
	return s.replicaOn(cfg, s.dial(url))
}

func (s *natsServer) replicaOn(cfg Config, conn *broker.NATS) *replica {
	s.t.Helper()
	r := &replica{t: s.t, conn: conn, reg: canarytest.Registry(s.t), acks: map[int64]func(){},
		ended: make(chan error, 1)}
	source, err := New(r.conn, cfg, canarytest.Logger(s.t, zaptest.NewLogger(s.t, zaptest.Level(zap.WarnLevel)).Core()),
		r.reg)
	if err != nil {
		s.t.Fatal(err)
	}
	r.source = source
	return r
}

// start reads until stop or crash.
func (r *replica) start() *replica {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go func() {
		err := r.source.Consume(ctx, r.handle)
		canarytest.Error(r.t, "reading", err)
		r.ended <- err
	}()
	r.t.Cleanup(r.crash)
	return r
}

func (r *replica) handle(lease event.Lease, m *event.Message, done func()) error {
	if r.blocked != nil {
		select {
		case <-r.blocked:
		case <-lease.Done():
			return lease.Err()
		}
	}
	seq := m.Origin.Offset
	if r.before != nil {
		r.before(seq)
	}
	if err := lease.Err(); err != nil {
		return err
	}
	if string(m.Value) != fmt.Sprint(seq) {
		r.t.Errorf("message %d carries %q", seq, m.Value)
	}
	r.mu.Lock()
	r.got = append(r.got, seq)
	r.acks[seq] = done
	if n := len(r.leases); n == 0 || r.leases[n-1] != lease {
		r.leases = append(r.leases, lease)
		if r.onLeaseEnd != nil {
			lease.AfterFunc(func() { r.onLeaseEnd(lease) })
		}
	}
	now := r.autoAck == nil || r.autoAck(seq)
	r.mu.Unlock()
	if now {
		done()
	}
	return nil
}

// stop ends the reading as a process does on SIGTERM.
func (r *replica) stop() {
	r.t.Helper()
	r.cancel()
	if err := r.wait(); err != nil {
		r.t.Fatalf("consume: %v", err)
	}
	r.conn.Close()
}

// crash ends it without a word to the server.
func (r *replica) crash() {
	r.conn.Close()
	r.cancel()
	select {
	case err := <-r.ended:
		r.ended <- err
	case <-time.After(10 * time.Second):
		r.t.Error("consume does not return")
	}
}

func (r *replica) wait() error {
	r.t.Helper()
	select {
	case err := <-r.ended:
		r.ended <- err
		return err
	case <-time.After(10 * time.Second):
		r.t.Fatal("consume does not return")
		return nil
	}
}

func (r *replica) seen() []int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

func (r *replica) last() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.got) == 0 {
		return 0
	}
	return r.got[len(r.got)-1]
}

func (r *replica) ack(seqs ...int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, seq := range seqs {
		r.acks[seq]()
	}
}

// waitForRequests waits until the replica has sent so many requests more, other than those for messages.
func (r *replica) waitForRequests(n uint64) {
	r.t.Helper()
	sent := func() uint64 { return r.conn.Conn().Stats().OutMsgs }
	before := sent()
	waitUntil(r.t, "the replica sends requests", func() bool { return sent() >= before+n })
}

// waitForProofs waits until the replica has proved its pin so many times more. It takes two requests for each, and
// may be in the middle of one. Nothing else may happen meanwhile.
func (r *replica) waitForProofs(n uint64) {
	r.t.Helper()
	r.waitForRequests(2*n + 1)
}

func (r *replica) state() string { return r.source.States()["EVENTS"] }

// metric sums a metric over its labels, but for those that are named.
func (r *replica) metric(name string, labels ...string) float64 {
	families, err := r.reg.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.Metric {
			have := map[string]string{}
			for _, l := range m.Label {
				have[l.GetName()] = l.GetValue()
			}
			matches := true
			for i := 0; i < len(labels); i += 2 {
				matches = matches && have[labels[i]] == labels[i+1]
			}
			if matches {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

func sequence(first, last int64) []int64 {
	var s []int64
	for i := first; i <= last; i++ {
		s = append(s, i)
	}
	return s
}

func wantSeen(t testing.TB, who string, got, want []int64) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s saw %v, want %v", who, got, want)
	}
}

func waitUntil(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !cond(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}
