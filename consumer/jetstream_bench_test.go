package consumer

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/event"
)

// BenchmarkJetStream reads messages of 1 KB from a server in the same process over a socket, settling each at once.
func BenchmarkJetStream(b *testing.B) {
	s := startNATS(b)
	cfg := jetstream.StreamConfig{Name: "MEMORY", Subjects: []string{"memory"}, Storage: jetstream.MemoryStorage}
	if _, err := s.client.JetStream().CreateStream(b.Context(), cfg); err != nil {
		b.Fatal(err)
	}
	payload := make([]byte, 1000)
	var acks []jetstream.PubAckFuture
	for range b.N {
		ack, err := s.client.JetStream().PublishAsync("memory", payload)
		if err != nil {
			b.Fatal(err)
		}
		acks = append(acks, ack)
	}
	for _, ack := range acks {
		select {
		case <-ack.Ok():
		case err := <-ack.Err():
			b.Fatal(err)
		}
	}
	config := DefaultJetStreamConfig()
	config.StartAt, config.Streams = "earliest", []StreamConfig{{Name: "MEMORY"}}
	r := s.replica(config)
	ctx, cancel := context.WithCancel(b.Context())
	var n atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	err := r.source.Consume(ctx, func(_ context.Context, m event.Message, done func()) error {
		done()
		if n.Add(1) == int64(b.N) {
			cancel()
		}
		return nil
	})
	b.StopTimer()
	if err != nil {
		b.Fatal(err)
	}
	r.conn.Close()
}
