package kafka

import (
	"context"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/deadletter"
)

// newKafka opens a store whose client sees changes of the cluster at once.
func newKafka(t *testing.T, addrs []string, cfg deadletter.Config) *Store {
	t.Helper()
	b, err := broker.NewKafka(broker.KafkaConfig{Brokers: addrs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	s := New(b, cfg, "hash-1")
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context())) // for what is cleaned up, too
	transport := &kafka.Transport{MetadataTTL: 200 * time.Millisecond, Context: ctx}
	t.Cleanup(func() {
		cancel()
		transport.CloseIdleConnections()
	})
	s.client = &kafka.Client{Addr: kafka.TCP(addrs...), Transport: transport}
	return s
}
