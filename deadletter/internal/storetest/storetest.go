package storetest

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	client "github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/broker/lock"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/file"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/deadletter/jetstream"
	"github.com/ciobridge/ciobridge/deadletter/kafka"
	"github.com/ciobridge/ciobridge/event"
)

// Store is what every store can do.
type Store interface {
	deadletter.Resolver
	deadletter.Purger
	Put(ctx context.Context, failed ...event.FailedMessage) error
	Lock(ctx context.Context, waiting func(until time.Time)) (*lock.Lock, error)
	Ready() error
	Check(ctx context.Context) (weak []string, err error)
}

const configHash = "hash-1"

// OnEveryStore runs a test on each kind of store, side by side, and on the Kafka that CIOBRIDGE_TEST_KAFKA names.
func OnEveryStore(t *testing.T, test func(t *testing.T, s Store)) { OnEveryStoreOf(t, 0, test) }

// OnEveryStoreOf runs a test, side by side, on stores that take records of so many bytes; 0 means the default.
func OnEveryStoreOf(t *testing.T, maxBytes int, test func(t *testing.T, s Store)) {
	for name, open := range map[string]func(t *testing.T, maxBytes int) Store{
		"file": FileOf, "kafka": kafkaOf, "jetstream": jetStreamOf, "real kafka": realKafkaOf,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t, maxBytes))
		})
	}
}

// OnEveryPlace runs a test on a place of each kind, side by side: open opens a store there, with a file of keys.
func OnEveryPlace(t *testing.T, test func(t *testing.T, open func(keysFile string) Store)) {
	for name, place := range map[string]func(t *testing.T) func(keysFile string) Store{
		"file": func(t *testing.T) func(string) Store {
			path := filepath.Join(t.TempDir(), "letters.jsonl")
			return func(keys string) Store {
				return file.New(deadletter.Config{File: path, KeysFile: keys}, configHash)
			}
		},
		"kafka": func(t *testing.T) func(string) Store {
			addrs := lettertest.StartKafka(t).ListenAddrs()
			return func(keys string) Store {
				return Kafka(t, addrs, deadletter.Config{Topic: lettertest.Topic, KeysFile: keys})
			}
		},
		"jetstream": func(t *testing.T) func(string) Store {
			js, _ := lettertest.StartNATS(t)
			return func(keys string) Store {
				return jetstream.New(js, deadletter.Config{Subject: "dead.letters", Stream: "DEAD", Create: true,
					KeysFile: keys}, configHash)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, place(t))
		})
	}
}

// File is a store in a file.
func File(t *testing.T) Store { return FileOf(t, 0) }

// FileOf is a store in a file that takes records of so many bytes.
func FileOf(t *testing.T, maxBytes int) Store {
	path := filepath.Join(t.TempDir(), "dead", "letters.jsonl")
	return file.New(deadletter.Config{File: path, MaxBytes: maxBytes}, configHash)
}

func kafkaOf(t *testing.T, maxBytes int) Store {
	cfg := deadletter.Config{Topic: lettertest.Topic, MaxBytes: maxBytes}
	return Kafka(t, lettertest.StartKafka(t).ListenAddrs(), cfg)
}

// Kafka is a store in a topic of a cluster.
func Kafka(t *testing.T, addrs []string, cfg deadletter.Config) Store {
	return kafka.New(Connect(t, addrs), cfg, configHash)
}

// Connect connects to Kafka.
func Connect(t *testing.T, addrs []string) *broker.Kafka {
	b, err := broker.NewKafka(broker.KafkaConfig{Brokers: addrs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func jetStreamOf(t *testing.T, maxBytes int) Store {
	js, _ := lettertest.StartNATS(t)
	cfg := deadletter.Config{Subject: "dead.letters", Stream: "DEAD", Create: true, MaxBytes: maxBytes}
	s := jetstream.New(js, cfg, configHash)
	if _, err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// realKafkaOf keeps letters on the brokers that CIOBRIDGE_TEST_KAFKA names, separated by commas, in a topic of its own.
func realKafkaOf(t *testing.T, maxBytes int) Store {
	addrs := os.Getenv("CIOBRIDGE_TEST_KAFKA")
	if addrs == "" {
		t.Skip("CIOBRIDGE_TEST_KAFKA names no Kafka brokers")
	}
	b := Connect(t, strings.Split(addrs, ","))
	topic := "ciobridge-test-" + rand.Text()
	s := kafka.New(b, deadletter.Config{Topic: topic, Create: true, Partitions: 3, MaxBytes: maxBytes}, configHash)
	weak, err := s.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("weak: %q", weak)
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		_, err := b.Client().DeleteTopics(ctx, &client.DeleteTopicsRequest{Topics: []string{topic}})
		if err != nil {
			t.Error(err)
		}
	})
	return s
}
