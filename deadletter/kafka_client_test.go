package deadletter_test

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
)

// kafkaClient is a client of another make.
func kafkaClient(t *testing.T, cluster *kfake.Cluster, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append(opts, kgo.SeedBrokers(cluster.ListenAddrs()...))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// standing are the records of a topic's first partition as they stand there, marks and all.
func standing(t *testing.T, cluster *kfake.Cluster, topic string) (records []*kgo.Record) {
	t.Helper()
	p := cluster.PartitionInfo(topic, 0)
	if p == nil {
		t.Fatalf("there is no topic %s", topic)
	}
	from := map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().At(p.LogStartOffset)}}
	client := kafkaClient(t, cluster, kgo.ConsumePartitions(from))
	defer client.Close() // many that go on reading hold up the one who looks next
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for next := p.LogStartOffset; next < p.HighWatermark; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			records, next = append(records, r), r.Offset+1
		})
	}
	return records
}

// putRaw writes a record into a topic's first partition, as whoever copies topics does.
func putRaw(t *testing.T, cluster *kfake.Cluster, topic string, r deadletter.Record, more ...event.Header) {
	t.Helper()
	client := kafkaClient(t, cluster, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	raw := &kgo.Record{Topic: topic, Key: r.Key, Value: r.Value, Timestamp: r.Time}
	for _, h := range append(r.Headers, more...) {
		raw.Headers = append(raw.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := client.ProduceSync(ctx, raw).FirstErr(); err != nil {
		t.Fatal(err)
	}
}
