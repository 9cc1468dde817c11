package deadletter

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/event"
)

const testTopic = "dead"

// stores are the kinds of store that the conformance tests run on.
var stores = map[string]func(t *testing.T) Store{
	"file": func(t *testing.T) Store {
		return NewFile(Config{File: filepath.Join(t.TempDir(), "dead", "letters.jsonl")}, "hash-1")
	},
	"kafka": func(t *testing.T) Store {
		return newKafka(t, startKafka(t).ListenAddrs(), Config{Topic: testTopic})
	},
	"jetstream": func(t *testing.T) Store {
		js, _ := startNATS(t)
		s := NewJetStream(js, Config{Subject: "dead.letters", Stream: "DEAD", Create: true}, "hash-1")
		if _, err := s.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s
	},
}

// realKafka keeps letters on the brokers that CIOBRIDGE_TEST_KAFKA names, separated by commas, in a topic of its own.
func realKafka(t *testing.T) Store {
	addrs := os.Getenv("CIOBRIDGE_TEST_KAFKA")
	if addrs == "" {
		t.Skip("CIOBRIDGE_TEST_KAFKA names no Kafka brokers")
	}
	s := newKafka(t, strings.Split(addrs, ","), Config{Topic: "ciobridge-test-" + rand.Text(), Create: true, Partitions: 3})
	weak, err := s.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("weak: %q", weak)
	t.Cleanup(func() {
		_, err := s.client.DeleteTopics(context.WithoutCancel(t.Context()), &kafka.DeleteTopicsRequest{Topics: []string{s.topic}})
		if err != nil {
			t.Error(err)
		}
	})
	return s
}

func onEveryStore(t *testing.T, test func(t *testing.T, s Store)) {
	stores := maps.Clone(stores)
	stores["real kafka"] = realKafka
	for name, open := range stores {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// lowerLimit makes a store take as little as the configuration allows.
func lowerLimit(s Store) {
	switch s := s.(type) {
	case *File:
		s.maxBytes = minMaxBytes
	case *Kafka:
		s.cfg.MaxBytes = minMaxBytes
	case *JetStream:
		s.cfg.MaxBytes = minMaxBytes
	}
}

func startKafka(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(3, testTopic)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

// newKafka opens a store whose client sees changes of the cluster at once.
func newKafka(t *testing.T, addrs []string, cfg Config) *Kafka {
	t.Helper()
	b, err := broker.NewKafka(broker.KafkaConfig{Brokers: addrs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	s := NewKafka(b, cfg, "hash-1")
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context())) // for what is cleaned up, too
	transport := &kafka.Transport{MetadataTTL: 200 * time.Millisecond, Context: ctx}
	t.Cleanup(func() {
		cancel()
		transport.CloseIdleConnections()
	})
	s.client = &kafka.Client{Addr: kafka.TCP(addrs...), Transport: transport}
	return s
}

func startNATS(t *testing.T) (jetstream.JetStream, *server.Server) {
	t.Helper()
	srv, err := server.NewServer(&server.Options{
		JetStream: true, StoreDir: t.TempDir(), DontListen: true, NoLog: true, NoSigs: true, MaxPayload: 1 << 20,
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
	conn, err := nats.Connect("", nats.InProcessServer(srv), nats.ReconnectBufSize(-1))
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan struct{})
	conn.SetClosedHandler(func(*nats.Conn) { close(closed) })
	t.Cleanup(func() {
		conn.Close()
		<-closed
	})
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js, srv
}

// testID is the identity numbered n.
func testID(n int) event.ID {
	return event.ID{0, 1, 2, 3, 4, 5, byte(n >> 16), byte(n >> 8), byte(n)}
}

var testTime = time.Date(2026, 3, 4, 5, 6, 7, 891011121, time.UTC)

// testLetter is a letter of the n-th event, whose call failed in delivery.
func testLetter(n int) event.FailedMessage {
	return event.FailedMessage{
		Message: event.Message{
			Origin:  event.Origin{Topic: "shop.orders", Partition: int32(n % 3), Offset: int64(n)},
			Key:     fmt.Appendf(nil, "person-%d", n%7),
			Value:   fmt.Appendf(nil, `{"n":%d}`, n),
			Headers: []event.Header{{Key: "trace", Value: []byte("t1")}, {Key: "trace", Value: []byte("t2")}},
			Time:    testTime.Add(time.Duration(n) * time.Second),
		},
		Failures: []event.Failure{{
			ID: testID(n), Stage: event.StageDelivery, Reason: event.ReasonRefused, Rule: "order", Call: "track:order_completed",
			Field: "data.total", Detail: "not a number", Status: 207, Attempts: 1, First: testTime,
		}},
	}
}

func testLetters(from, to int) []event.FailedMessage {
	var letters []event.FailedMessage
	for n := from; n < to; n++ {
		letters = append(letters, testLetter(n))
	}
	return letters
}

func mustPut(t *testing.T, w interface {
	Put(ctx context.Context, failed ...event.FailedMessage) error
}, letters ...event.FailedMessage) {
	t.Helper()
	if err := w.Put(t.Context(), letters...); err != nil {
		t.Fatal(err)
	}
}

// scanAll decodes the whole log.
func scanAll(t *testing.T, log Reader) (letters []*Letter, resolutions []*Resolution, foreign int) {
	t.Helper()
	err := log.Scan(t.Context(), func(r Record) error {
		more, res, err := Decode(r)
		switch {
		case err != nil:
			foreign++
		case res == nil:
			letters = append(letters, more...)
		default:
			resolutions = append(resolutions, res)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return letters, resolutions, foreign
}

// listed returns the identities of the open letters that a filter chooses, in order.
func listed(t *testing.T, log Reader, f Filter) []event.ID {
	t.Helper()
	var ids []event.ID
	for l, err := range List(t.Context(), log, f) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, l.ID())
	}
	return ids
}

// showOne shows the letter of that identity, of which there is one event.
func showOne(t *testing.T, log Reader, id event.ID) (History, error) {
	t.Helper()
	histories, err := Show(t.Context(), log, id)
	if err != nil {
		return History{}, err
	}
	if len(histories) != 1 {
		t.Errorf("letter %s is of %d events", id, len(histories))
	}
	return histories[0], nil
}

// same compares messages to the byte, null and empty apart. Headers of different names may have changed places.
func same(a, b event.Message) bool {
	byName := func(h []event.Header) []event.Header {
		h = slices.Clone(h)
		slices.SortStableFunc(h, func(x, y event.Header) int { return bytes.Compare([]byte(x.Key), []byte(y.Key)) })
		return h
	}
	equal := func(x, y []byte) bool { return bytes.Equal(x, y) && (x == nil) == (y == nil) }
	return a.Origin == b.Origin && a.Time.Equal(b.Time) && equal(a.Key, b.Key) && equal(a.Value, b.Value) &&
		slices.EqualFunc(byName(a.Headers), byName(b.Headers), func(x, y event.Header) bool {
			return x.Key == y.Key && equal(x.Value, y.Value)
		})
}
