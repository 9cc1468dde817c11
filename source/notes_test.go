package source_test

import (
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ciobridge/ciobridge/consumer"
	consumerkafka "github.com/ciobridge/ciobridge/consumer/kafka"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
	"github.com/ciobridge/ciobridge/source/kafka"
)

// How far a task has read is committed for a group of its own, which nobody joins and which is gone at the end.
func TestNotesOfKafka(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "shop"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for range 3 {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "shop", Partition: 1}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	s := &kafka.Section{Config: consumerkafka.DefaultConfig(), Read: []rulefile.Topic{{Name: "shop"}}}
	s.Brokers, s.Group, s.StartAt = cluster.ListenAddrs(), "bridge", "earliest"
	b, err := s.Connect(t.Context(), canarytest.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	n := b.Notes("backfill-1")
	load := func(want ...consumer.OffsetChange) {
		t.Helper()
		if got, err := n.Load(t.Context()); err != nil || !slices.Equal(got, want) {
			t.Errorf("noted %v, %v; want %v", got, err, want)
		}
	}
	load()
	for _, offset := range []int64{1, 2} {
		noted := []consumer.OffsetChange{{Topic: "shop", Partition: 1, Offset: offset}}
		if err := n.Store(t.Context(), noted); err != nil {
			t.Fatal(err)
		}
	}
	load(consumer.OffsetChange{Topic: "shop", Partition: 1, Offset: 2})
	offsets, err := b.Offsets(t.Context())
	if err != nil || offsets[1].Committed != -1 {
		t.Errorf("the bridge's own group is at %v, %v", offsets, err)
	}
	for range 2 {
		if err := n.Remove(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	load()
}
