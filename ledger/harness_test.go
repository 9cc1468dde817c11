package ledger_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/containertest"
	"github.com/ciobridge/ciobridge/ledger"
	"github.com/ciobridge/ciobridge/ledger/file"
	"github.com/ciobridge/ciobridge/ledger/jetstream"
	"github.com/ciobridge/ciobridge/ledger/kafka"
)

// A place is where the stores of several processes meet. It is told to another process by its kind and address.
type place struct{ kind, address, topic string }

func startPlace(t *testing.T, kind string) place {
	t.Helper()
	switch kind {
	case "real kafka":
		addrs := os.Getenv("CIOBRIDGE_TEST_KAFKA")
		if addrs == "" {
			t.Skip("CIOBRIDGE_TEST_KAFKA names no Kafka brokers")
		}
		return place{"kafka", addrs, "ciobridge-test-" + rand.Text()}
	case "real nats":
		return place{"jetstream", "nats://" + containertest.Start(t, "nats", "").Address(), ""}
	case "kafka":
		cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cluster.Close)
		return place{kind, cluster.ListenAddrs()[0], "ledger"}
	case "jetstream":
		srv, err := server.NewServer(&server.Options{
			Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true,
			NoSigs: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		srv.Start()
		t.Cleanup(func() {
			srv.Shutdown()
			srv.WaitForShutdown()
		})
		if !srv.ReadyForConnections(5 * time.Second) {
			t.Fatal("the server does not start")
		}
		return place{kind, srv.ClientURL(), ""}
	}
	return place{kind, filepath.Join(t.TempDir(), "sub", "ledger.jsonl"), ""}
}

// cleaner is a test, or a process that needs none.
type cleaner interface{ Cleanup(func()) }

// open opens a store there, as a process of its own would.
func (p place) open(c cleaner, opts ledger.Config) (ledger.Store, error) {
	switch p.kind {
	case "kafka":
		b, err := broker.NewKafka(broker.KafkaConfig{Brokers: strings.Split(p.address, ",")})
		if err != nil {
			return nil, err
		}
		c.Cleanup(b.Close)
		opts.Topic, opts.Create = p.topic, true
		return kafka.New(b, opts), nil
	case "jetstream":
		conn, err := broker.NewNATS(ctx(c), broker.NATSConfig{URLs: []string{p.address}}, zap.NewNop())
		if err != nil {
			return nil, err
		}
		c.Cleanup(conn.Close)
		opts.Bucket = "ledger"
		return jetstream.New(conn.JetStream(), opts), nil
	}
	opts.File = p.address
	s := file.New(opts)
	c.Cleanup(func() { _ = s.Close() })
	return s, nil
}

// mustOpen opens a store and proves it.
func (p place) mustOpen(t *testing.T, opts ledger.Config) ledger.Store {
	t.Helper()
	s, err := p.open(t, opts)
	if err == nil {
		_, err = s.Check(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// onEveryPlace runs a test on each kind of store, side by side.
func onEveryPlace(t *testing.T, test func(t *testing.T, p place)) {
	for _, kind := range []string{"file", "jetstream", "kafka", "real kafka"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, startPlace(t, kind))
		})
	}
}

var ids atomic.Uint64

// newID is the ID of a call of an event of now.
func newID() event.ID { return idAt(time.Now()) }

func idAt(at time.Time) event.ID {
	n, ms := ids.Add(1), uint64(at.UnixMilli())
	id := event.ID{15: byte(n), 14: byte(n >> 8), 13: byte(n >> 16)}
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	return id
}
