package ledger_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	natsjetstream "github.com/nats-io/nats.go/jetstream"
	client "github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/ledger"
	"github.com/ciobridge/ciobridge/ledger/jetstream"
	"github.com/ciobridge/ciobridge/ledger/kafka"
)

// A bucket that forgets too early is refused, and so is one that makes room for new records.
func TestBucketsThatAreUnfit(t *testing.T) {
	p := startPlace(t, "jetstream")
	conn, err := broker.NewNATS(t.Context(), broker.NATSConfig{URLs: []string{p.address}}, canarytest.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	for name, c := range map[string]natsjetstream.KeyValueConfig{
		"early": {TTL: time.Hour}, "fit": {TTL: 31 * 24 * time.Hour}, "memory": {Storage: natsjetstream.MemoryStorage},
	} {
		c.Bucket = name
		if _, err := conn.JetStream().CreateKeyValue(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		weak, err := jetstream.New(conn.JetStream(), inBucket(name)).Check(t.Context())
		switch said := strings.Join(weak, "\n"); {
		case name == "early" && !errors.Is(err, ledger.ErrUnfit), name != "early" && err != nil:
			t.Errorf("%s: %v", name, err)
		case name == "memory" && (!strings.Contains(said, "in memory") || !strings.Contains(said, "never forgets")):
			t.Errorf("%s: %q", name, weak)
		}
	}
	_, err = jetstream.New(conn.JetStream(), inBucket("missing")).Get(t.Context(), newID())
	if !errors.Is(err, ledger.ErrMissing) {
		t.Errorf("a bucket that was deleted: %v", err)
	}
}

// So is a topic that removes records too early; one that is missing is made only where that is asked for.
func TestTopicsThatAreUnfit(t *testing.T) {
	p := startPlace(t, "kafka")
	b, err := broker.NewKafka(broker.KafkaConfig{Brokers: []string{p.address}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if _, err := kafka.New(b, inTopic("ledger")).Check(t.Context()); !errors.Is(err, ledger.ErrMissing) ||
		!strings.Contains(err.Error(), "ledger.create") {
		t.Errorf("a topic that is missing: %v", err)
	}
	for name, c := range map[string]struct {
		settings map[string]string
		unfit    bool
		weakness string
	}{
		"early":   {map[string]string{"cleanup.policy": "delete", "retention.ms": "3600000"}, true, ""},
		"small":   {map[string]string{"cleanup.policy": "delete", "retention.bytes": "1000"}, true, ""},
		"forever": {map[string]string{"cleanup.policy": "compact"}, false, "grows by one record"},
	} {
		topic := client.TopicConfig{Topic: name, NumPartitions: 1, ReplicationFactor: 1}
		for key, value := range c.settings {
			topic.ConfigEntries = append(topic.ConfigEntries, client.ConfigEntry{ConfigName: key, ConfigValue: value})
		}
		if c.settings["retention.ms"] == "" {
			topic.ConfigEntries = append(topic.ConfigEntries, client.ConfigEntry{ConfigName: "retention.ms",
				ConfigValue: "-1"})
		}
		_, err := b.Client().CreateTopics(t.Context(), &client.CreateTopicsRequest{Topics: []client.TopicConfig{topic}})
		if err != nil {
			t.Fatal(err)
		}
		weak, err := kafka.New(b, inTopic(name)).Check(t.Context())
		if c.unfit != errors.Is(err, ledger.ErrUnfit) || !c.unfit && err != nil ||
			!strings.Contains(strings.Join(weak, "\n"), c.weakness) {
			t.Errorf("%s: %q, %v", name, weak, err)
		}
	}
}

// A topic that was deleted and made again has lost what was sent: nothing is sent by it.
func TestATopicThatWasMadeAgain(t *testing.T) {
	p := startPlace(t, "kafka")
	s, id := p.mustOpen(t, ledger.Config{}), newID()
	sent := ledger.Record{}.Follow(ledger.Intent, 1, time.Now())
	put(t, s, id, ledger.Record{}, sent)
	put(t, s, newID(), ledger.Record{}, sent)
	b, err := broker.NewKafka(broker.KafkaConfig{Brokers: []string{p.address}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	_, err = b.Client().DeleteTopics(t.Context(), &client.DeleteTopicsRequest{Topics: []string{"ledger"}})
	if err != nil {
		t.Fatal(err)
	}
	p.mustOpen(t, ledger.Config{})
	if _, err := s.Get(t.Context(), id); !errors.Is(err, ledger.ErrUnfit) {
		t.Errorf("reading: %v", err)
	}
	known, err := s.Put(t.Context(), newID(), ledger.Record{}, sent)
	if !errors.Is(err, ledger.ErrUnfit) {
		t.Errorf("writing: %+v, %v", known, err)
	}
}

func inBucket(name string) (c ledger.Config) {
	c.Bucket = name
	return c
}

func inTopic(name string) (c ledger.Config) {
	c.Topic = name
	return c
}
