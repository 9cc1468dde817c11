package kafka

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/consumertest"
	"github.com/ciobridge/ciobridge/internal/memory"
)

const testTopic = "events"

// patient is a session in which a busy machine keeps its membership, and has two seconds for a commit.
const patient = 6 * time.Second

// testBed is a Kafka inside the process, or a real one, and a producer.
type testBed struct {
	t       *testing.T
	cluster *kfake.Cluster // nil for a real one
	brokers []string
	topic   string
	client  *kgo.Client
	session time.Duration // of the members of the group
}

// realKafka makes a topic on the brokers that CIOBRIDGE_TEST_KAFKA names, separated by commas. They must allow sessions
// of a second (group.min.session.timeout.ms).
func realKafka(t *testing.T, partitions int32) *testBed {
	t.Helper()
	addrs := os.Getenv("CIOBRIDGE_TEST_KAFKA")
	if addrs == "" {
		t.Skip("CIOBRIDGE_TEST_KAFKA names no Kafka brokers")
	}
	b := &testBed{t: t, brokers: strings.Split(addrs, ","),
		topic: fmt.Sprintf("ciobridge-test-%d", time.Now().UnixNano()), session: patient}
	b.client = b.producer()
	req := kmsg.NewCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = b.topic, partitions, 1
	req.Topics = append(req.Topics, topic)
	res, err := req.RequestWith(t.Context(), b.client)
	if err != nil {
		t.Fatal(err)
	}
	if err := kerr.ErrorForCode(res.Topics[0].ErrorCode); err != nil {
		t.Fatal(err)
	}
	return b
}

func startKafka(t *testing.T, opts ...kfake.Opt) *testBed {
	t.Helper()
	opts = append([]kfake.Opt{
		kfake.NumBrokers(1), kfake.SeedTopics(1, testTopic), kfake.GroupMinSessionTimeout(100 * time.Millisecond),
	}, opts...)
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	b := &testBed{t: t, cluster: cluster, brokers: cluster.ListenAddrs(), topic: testTopic, session: patient}
	b.client = b.producer()
	return b
}

func (b *testBed) producer(opts ...kgo.Opt) *kgo.Client {
	b.t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(b.brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		// a new topic takes a moment to be known
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.UnknownTopicRetries(50),
	}, opts...)...)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(client.Close)
	return client
}

func (b *testBed) Publish(values ...string) { b.publishTo(0, values...) }

// publishAt publishes to partition 0, as of another time than now.
func (b *testBed) publishAt(at time.Time, values ...string) {
	b.t.Helper()
	for _, v := range values {
		record := &kgo.Record{Topic: b.topic, Key: []byte(canarytest.Person), Value: []byte(v), Timestamp: at}
		if err := b.client.ProduceSync(b.t.Context(), record).FirstErr(); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *testBed) publishTo(partition int32, values ...string) {
	b.t.Helper()
	records := make([]*kgo.Record, len(values))
	for i, v := range values {
		records[i] = &kgo.Record{Topic: b.topic, Partition: partition, Key: []byte(canarytest.Person),
			Value: []byte(v)}
	}
	if err := b.client.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		b.t.Fatal(err)
	}
}

func (b *testBed) config() Config {
	c := DefaultConfig()
	c.Brokers = b.brokers
	c.Group = "bridge-of-" + b.topic
	c.Topics = []string{b.topic}
	c.StartAt = "earliest"
	c.SessionTimeout = b.session
	c.RebalanceTimeout = 8 * time.Second
	c.DrainLimit = 2 * time.Second
	return c
}

func (b *testBed) Open() consumertest.Source { return b.openWith(b.config()) }

func (b *testBed) openWith(c Config) *Source {
	b.t.Helper()
	connections, err := broker.NewKafka(c.KafkaConfig)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(connections.Close)
	k, err := New(c, connections, memory.New(24<<20), canarytest.Logger(b.t, zaptest.NewLogger(b.t,
		zaptest.Level(zap.InfoLevel)).Core()),
		canarytest.Registry(b.t))
	if err != nil {
		b.t.Fatal(err)
	}
	k.watchEvery = 200 * time.Millisecond
	k.aboveFor = 200 * time.Millisecond
	return k
}

// offsets is where the group stands.
func (b *testBed) offsets(c Config) []consumer.OffsetInfo {
	b.t.Helper()
	connections, err := broker.NewKafka(c.KafkaConfig)
	if err != nil {
		b.t.Fatal(err)
	}
	defer connections.Close()
	infos, err := Offsets(b.t.Context(), connections, c)
	if err != nil {
		b.t.Fatal(err)
	}
	return infos
}

// setOffset moves the group, with no regard for the log.
func (b *testBed) setOffset(partition int32, offset int64) {
	b.t.Helper()
	connections, err := broker.NewKafka(b.config().KafkaConfig)
	if err != nil {
		b.t.Fatal(err)
	}
	defer connections.Close()
	c := b.config()
	m := newMember(&c, &cluster{kafka: connections})
	defer m.cluster.close()
	defer m.close()
	err = m.commit(b.t.Context(), outside, map[partitionKey]checkpoint{{b.topic, partition}: {offset: offset}},
		maxMetadata)
	if err != nil {
		b.t.Fatal(err)
	}
}

// deleteBefore deletes records as retention does.
func (b *testBed) deleteBefore(partition int32, offset int64) {
	b.t.Helper()
	req := kmsg.NewDeleteRecordsRequest()
	topic := kmsg.NewDeleteRecordsRequestTopic()
	topic.Topic = b.topic
	p := kmsg.NewDeleteRecordsRequestTopicPartition()
	p.Partition, p.Offset = partition, offset
	topic.Partitions = append(topic.Partitions, p)
	req.Topics = append(req.Topics, topic)
	res, err := req.RequestWith(b.t.Context(), b.client)
	if err != nil {
		b.t.Fatal(err)
	}
	if p := res.Topics[0].Partitions[0]; p.ErrorCode != 0 || p.LowWatermark != offset {
		b.t.Fatalf("deleting records before %d: code %d, log start %d", offset, p.ErrorCode, p.LowWatermark)
	}
}

// halted waits until a partition is halted and returns why.
func (k *Source) halted(t *testing.T, partition int32) haltReason {
	t.Helper()
	var why *haltReason
	consumertest.Eventually(t, "the partition is halted", func() bool {
		if g := k.generation.Load(); g != nil {
			for _, p := range g.partitions {
				if p.key.id == partition {
					p.mu.Lock()
					why = p.halt
					p.mu.Unlock()
				}
			}
		}
		return why != nil
	})
	return *why
}

// failures is how often the source has met trouble of a kind.
func (k *Source) failures(reason string) int {
	return int(testutil.ToFloat64(k.metrics.failures.WithLabelValues(reason)))
}

func numbers(from, to int) []string {
	var out []string
	for i := from; i < to; i++ {
		out = append(out, strconv.Itoa(i))
	}
	return out
}

// scrape is what the source's metrics look like.
func scrape(t *testing.T, k *Source) string {
	t.Helper()
	reg := canarytest.Registry(t)
	reg.MustRegister(k.metrics)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&out, f); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

// producedRecord publishes a tombstone with headers.
func producedRecord(b *testBed) *kgo.Record {
	b.t.Helper()
	r := &kgo.Record{
		Topic: b.topic, Key: []byte("key"), Timestamp: time.Now(),
		Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("1")}, {Key: "h", Value: []byte("2")}},
	}
	if err := b.client.ProduceSync(context.Background(), r).FirstErr(); err != nil {
		b.t.Fatal(err)
	}
	return r
}

// counterValue is how many generations the source has joined.
func counterValue(k *Source) float64 { return testutil.ToFloat64(k.metrics.rebalances) }
