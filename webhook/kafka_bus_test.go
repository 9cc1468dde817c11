package webhook_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/internal/cloudevent"
	"github.com/ciobridge/ciobridge/internal/kafkatopic"
	"github.com/ciobridge/ciobridge/internal/kafkatopic/electedtest"
	"github.com/ciobridge/ciobridge/webhook"
	"github.com/ciobridge/ciobridge/webhook/kafka"
)

// startKafka starts a Kafka with one broker, and connects to it.
func startKafka(t *testing.T, options ...kfake.Opt) (*kfake.Cluster, *broker.Kafka) {
	t.Helper()
	cluster, err := kfake.NewCluster(append(options, kfake.NumBrokers(1))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	conn, err := broker.NewKafka(broker.KafkaConfig{Brokers: cluster.ListenAddrs()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return cluster, conn
}

// A topic of many partitions that takes only small requests, and is made again, has each event once and tells of it.
func TestKafkaBus(t *testing.T) {
	t.Parallel()
	_, conn := startKafka(t)
	ctx := t.Context()
	create := func(topic string, settings ...kafkago.ConfigEntry) {
		t.Helper()
		res, err := conn.Client().CreateTopics(ctx, &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{{
			Topic: topic, NumPartitions: 16, ReplicationFactor: 1, ConfigEntries: settings}}})
		if err != nil || res.Errors[topic] != nil {
			t.Fatal(err, res)
		}
	}
	read := func(b *kafka.Bus, want int) {
		t.Helper()
		seen := map[string]int{}
		if err := b.Read(ctx, 1000, func(id string) { seen[id]++ }); err != nil {
			t.Fatal(err)
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%s is told of %d times", id, n)
			}
		}
		if len(seen) != want {
			t.Errorf("%d are told of, want %d", len(seen), want)
		}
	}
	publish := func(b *kafka.Bus, from, to int, subject string) {
		var all sync.WaitGroup
		for i := from; i < to; i++ {
			all.Go(func() {
				if err := b.Publish(ctx, &cloudevent.Event{ID: fmt.Sprint(i), Subject: subject}, "", ""); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	small := kafkago.ConfigEntry{ConfigName: "max.message.bytes", ConfigValue: "1000"}
	b := kafka.New(conn, "hooks")
	defer b.Close()
	if b.Read(ctx, 1, func(string) {}) == nil {
		t.Error("a topic that is missing can be read")
	}
	create("hooks", small)
	publish(b, 0, 30, "one person")
	publish(b, 30, 40, "")
	read(b, 40)
	read(b, 0)
	publish(b, 40, 42, "")
	read(b, 2)
	other := kafka.New(conn, "hooks")
	defer other.Close()
	read(other, 42)
	err := b.Publish(ctx, &cloudevent.Event{ID: "x", Data: strings.Repeat("x", 1000)}, "", "")
	if !errors.Is(err, webhook.ErrTooLarge) {
		t.Errorf("a large event: %v", err)
	}
	err = b.Publish(ctx, &cloudevent.Event{ID: "x", Data: strings.Repeat("x", 2<<20)}, "", "")
	if !errors.Is(err, webhook.ErrTooLarge) {
		t.Errorf("a very large event: %v", err)
	}
	if _, err := conn.Client().DeleteTopics(ctx, &kafkago.DeleteTopicsRequest{Topics: []string{"hooks"}}); err != nil {
		t.Fatal(err)
	}
	create("hooks")
	publish(other, 50, 51, "one person")
	read(b, 1)

	create("compacted", kafkago.ConfigEntry{ConfigName: "cleanup.policy", ConfigValue: "compact"})
	compacted := kafka.New(conn, "compacted")
	defer compacted.Close()
	err = compacted.Read(ctx, 1, func(string) {})
	if err == nil || !strings.Contains(err.Error(), "set it to delete") {
		t.Errorf("a compacted topic: %v", err)
	}
}

// What a leader that was just elected does not show yet is not taken for what is not there: a repeat of it would be
// stored again.
func TestALeaderThatWasJustElected(t *testing.T) {
	t.Parallel()
	cluster, conn := startKafka(t, kfake.SeedTopics(1, "hooks"))
	b := kafka.New(conn, "hooks")
	defer b.Close()
	if err := b.Publish(t.Context(), &cloudevent.Event{ID: "1"}, "", ""); err != nil {
		t.Fatal(err)
	}
	electedtest.Hide(cluster, 1)
	var told []string
	tell := func(id string) { told = append(told, id) }
	if err := b.Read(t.Context(), 10, tell); !errors.Is(err, kafkatopic.ErrHidden) {
		t.Errorf("the first reading: %v", err)
	}
	if err := b.Read(t.Context(), 10, tell); err != nil || fmt.Sprint(told) != "[1]" {
		t.Errorf("the second reading: %v, %v", told, err)
	}
}
