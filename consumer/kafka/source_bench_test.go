package kafka

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/memory"
)

// BenchmarkSource is what a message costs from a broker inside the process to its done, the broker's work included.
func BenchmarkSource(b *testing.B) {
	const n = 40_000
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, testTopic))
	if err != nil {
		b.Fatal(err)
	}
	defer cluster.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DefaultProduceTopic(testTopic),
		kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	value := []byte(strings.Repeat("x", 1000))
	for i := range n {
		client.Produce(b.Context(), &kgo.Record{Value: value, Key: fmt.Append(nil, i)}, nil)
	}
	if err := client.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	conns, err := broker.NewKafka(broker.KafkaConfig{Brokers: cluster.ListenAddrs()})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var took time.Duration
	for i := 0; b.Loop(); i++ {
		c := DefaultConfig()
		c.Brokers, c.Group, c.Topics, c.StartAt = cluster.ListenAddrs(), fmt.Sprint("g",
			i), []string{testTopic}, "earliest"
		s, err := New(c, conns, memory.New(24<<20), zap.NewNop(), prometheus.NewRegistry())
		if err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithCancel(b.Context())
		left := make(chan struct{}, n)
		go func() {
			<-left
			begun := time.Now()
			for range n - 1 {
				<-left
			}
			took += time.Since(begun)
			cancel()
		}()
		if err := s.Consume(ctx, func(_ event.Lease, _ *event.Message, done func()) error {
			done()
			left <- struct{}{}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(took.Nanoseconds())/float64(b.N)/n, "ns/event")
}
