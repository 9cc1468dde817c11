package main

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/internal/checkertest"
	"github.com/ciobridge/ciobridge/internal/containertest"
	"github.com/ciobridge/ciobridge/internal/exit"
)

// containerBus starts an Apache Kafka of one node.
func containerBus(t *testing.T, partitions int32) *bus {
	t.Helper()
	address := containertest.Start(t, "kafka", "").Address()
	createTopics(t, address, partitions, eventsTopic, deadTopic)
	return joinBus(t, []string{address})
}

func createTopics(t *testing.T, address string, partitions int32, names ...string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(address))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	req := kmsg.NewPtrCreateTopicsRequest()
	for _, name := range names {
		topic := kmsg.NewCreateTopicsRequestTopic()
		topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, partitions, 1
		req.Topics = append(req.Topics, topic)
	}
	res, err := req.RequestWith(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range res.Topics {
		if topic.ErrorCode != 0 {
			t.Fatalf("create %s: code %d", topic.Topic, topic.ErrorCode)
		}
	}
}

// containerSubjects starts a NATS server with JetStream and makes the stream of events.
func containerSubjects(t *testing.T) *subjects {
	t.Helper()
	address := "nats://" + containertest.Start(t, "nats", "").Address()
	s := joinSubjects(t, address)
	_, err := s.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"events.>"}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRealKafka(t *testing.T) {
	b := containerBus(t, 4)
	takeTurns(t, b.world, b.configureKafka(), b.produce)
}

func TestRealKafkaKilledUnderLoad(t *testing.T) {
	b := containerBus(t, 4)
	killLoop(t, b.world, b.configureKafka(), b.produce)
}

func TestRealNATS(t *testing.T) {
	s := containerSubjects(t)
	takeTurns(t, s.world, s.configureNATS(), s.produce)
}

// takeTurns has a second replica join a first one, and the first one leave, with events before, between and after.
func takeTurns(t *testing.T, w *world, path string, publish func(n int)) {
	publish(5000)
	first := start(t, "run", "-c", path)
	w.arrive(60 * time.Second)
	second := start(t, "run", "-c", path)
	publish(3000)
	w.arrive(60 * time.Second)
	if code := first.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
	publish(2000)
	w.arrive(60 * time.Second)
	if code := second.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
	w.judge(checkertest.Limits{})
}

func TestRealNATSKilledUnderLoad(t *testing.T) {
	s := containerSubjects(t)
	killLoop(t, s.world, s.configureNATS(), s.produce)
}
