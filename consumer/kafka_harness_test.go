package consumer

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/ciobridge/ciobridge/broker"
)

const testTopic = "events"

// kafkaBed is a Kafka inside the process, and a producer.
type kafkaBed struct {
	t       *testing.T
	cluster *kfake.Cluster
	brokers []string
	client  *kgo.Client
}

func startKafka(t *testing.T, opts ...kfake.Opt) *kafkaBed {
	t.Helper()
	opts = append([]kfake.Opt{
		kfake.NumBrokers(1), kfake.SeedTopics(1, testTopic), kfake.GroupMinSessionTimeout(100 * time.Millisecond),
	}, opts...)
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	b := &kafkaBed{t: t, cluster: cluster, brokers: cluster.ListenAddrs()}
	b.client = b.producer()
	return b
}

func (b *kafkaBed) producer(opts ...kgo.Opt) *kgo.Client {
	b.t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(b.brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
	}, opts...)...)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(client.Close)
	return client
}

func (b *kafkaBed) publish(values ...string) { b.publishTo(0, values...) }

func (b *kafkaBed) publishTo(partition int32, values ...string) {
	b.t.Helper()
	records := make([]*kgo.Record, len(values))
	for i, v := range values {
		records[i] = &kgo.Record{Topic: testTopic, Partition: partition, Value: []byte(v)}
	}
	if err := b.client.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		b.t.Fatal(err)
	}
}

func (b *kafkaBed) config() KafkaConfig {
	c := DefaultKafkaConfig()
	c.Brokers = b.brokers
	c.Group = "bridge"
	c.Topics = []string{testTopic}
	c.StartAt = "earliest"
	c.SessionTimeout = 1500 * time.Millisecond
	c.RebalanceTimeout = 5 * time.Second
	c.DrainLimit = 2 * time.Second
	return c
}

func (b *kafkaBed) open() source { return b.openWith(b.config()) }

func (b *kafkaBed) openWith(c KafkaConfig) *Kafka {
	b.t.Helper()
	connections, err := broker.NewKafka(c.KafkaConfig)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(connections.Close)
	k, err := NewKafka(c, connections, zaptest.NewLogger(b.t, zaptest.Level(zap.InfoLevel)), prometheus.NewRegistry())
	if err != nil {
		b.t.Fatal(err)
	}
	k.watchEvery = 200 * time.Millisecond
	k.aboveFor = 200 * time.Millisecond
	return k
}
