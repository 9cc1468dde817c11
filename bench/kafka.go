package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ciobridge/ciobridge/bench/certificate"
	"github.com/ciobridge/ciobridge/bench/traffic"
)

// runKafkaBroker is an in-memory Kafka, with TLS where it is given the folder of a certificate. It prints its address
// and serves until it is stopped.
func runKafkaBroker(ctx context.Context, args []string, stdout io.Writer) error {
	opts := []kfake.Opt{kfake.NumBrokers(1)}
	if len(args) > 0 {
		conf, err := certificate.Server(args[0])
		if err != nil {
			return err
		}
		opts = append(opts, kfake.TLS(conf))
	}
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		return fmt.Errorf("start the in-memory Kafka: %w", err)
	}
	defer cluster.Close()
	fmt.Fprintln(stdout, strings.Join(cluster.ListenAddrs(), ","))
	<-ctx.Done()
	return nil
}

// kafkaSource is a topic of Kafka, in memory or real.
type kafkaSource struct {
	brokers    string
	topic      string
	partitions int
	codec      kgo.CompressionCodec // of what is published
	tls        string               // the folder of the certificate, where there is TLS
	process    *process             // nil for a real Kafka
	client     *kafka.Client
}

func openKafka(ctx context.Context, brokers string, partitions int) (*kafkaSource, error) {
	return openKafkaOver(ctx, brokers, partitions, "")
}

// openKafkaOver opens one with TLS, where it is given the folder of a certificate.
func openKafkaOver(ctx context.Context, brokers string, partitions int, dir string) (*kafkaSource, error) {
	k := &kafkaSource{codec: kgo.NoCompression(), tls: dir, brokers: brokers,
		topic:      fmt.Sprintf("ciobridge-bench-%d", time.Now().UnixNano()),
		partitions: partitions}
	if brokers == "" {
		var err error
		var args []string
		if dir != "" {
			args = append(args, dir)
		}
		if k.process, err = startRole("kafka-broker", args...); err != nil {
			return nil, err
		}
		if k.brokers, err = k.process.line(ctx); err != nil {
			k.process.kill()
			return nil, err
		}
	}
	first, _, _ := strings.Cut(k.brokers, ",")
	conf, err := certificate.Client(dir)
	if err != nil {
		k.close()
		return nil, err
	}
	k.client = &kafka.Client{Addr: kafka.TCP(first), Timeout: 10 * time.Second, Transport: &kafka.Transport{TLS: conf}}
	if err := k.createTopics(ctx); err != nil {
		k.close()
		return nil, err
	}
	return k, nil
}

func (k *kafkaSource) deadTopic() string { return k.topic + ".dead" }

func (k *kafkaSource) createTopics(ctx context.Context) error {
	res, err := k.client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{
		{Topic: k.topic, NumPartitions: k.partitions, ReplicationFactor: 1},
		{Topic: k.deadTopic(), NumPartitions: 1, ReplicationFactor: 1},
	}})
	if err == nil {
		err = errors.Join(res.Errors[k.topic], res.Errors[k.deadTopic()])
	}
	if err != nil {
		return fmt.Errorf("create the topics: %w", err)
	}
	return nil
}

// section is what a bridge's configuration says of how to connect.
func (k *kafkaSource) section() string {
	if k.tls == "" {
		return ""
	}
	return "    tls: {}\n"
}

func (k *kafkaSource) name() string {
	if k.process == nil {
		return "Kafka"
	}
	return "Kafka in memory"
}

// settled sums what the consumer group has committed.
func (k *kafkaSource) settled(ctx context.Context, group string) (int64, error) {
	req := &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{k.topic: {}}}
	for p := range k.partitions {
		req.Topics[k.topic] = append(req.Topics[k.topic], p)
	}
	res, err := k.client.OffsetFetch(ctx, req)
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return 0, fmt.Errorf("read the committed offsets: %w", err)
	}
	var n int64
	for _, p := range res.Topics[k.topic] {
		if p.Error != nil {
			return 0, fmt.Errorf("read the committed offsets: %w", p.Error)
		}
		n += max(p.CommittedOffset, 0)
	}
	return n, nil
}

// stored counts what is in another topic with as many partitions.
func (k *kafkaSource) stored(ctx context.Context, topic string) (n int, err error) {
	var last []kafka.OffsetRequest
	for p := range k.partitions {
		last = append(last, kafka.LastOffsetOf(p))
	}
	res, err := k.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{topic: last}})
	if err != nil {
		return 0, fmt.Errorf("count what is stored: %w", err)
	}
	for _, p := range res.Topics[topic] {
		n += int(p.LastOffset)
	}
	return n, nil
}

func (k *kafkaSource) close() {
	if k.process != nil {
		k.process.kill()
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, _ = k.client.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{k.topic, k.deadTopic()}})
}

// fill publishes the events in batches of records of up to 128 kB, as producers under load do. A person's events
// share a partition.
func (k *kafkaSource) fill(ctx context.Context, t *traffic.Traffic) error {
	// Batches wait until they are full, so that a topic with many partitions has as few of them as one with few.
	return k.publish(ctx, t, func() error { return nil }, kgo.ProducerLinger(5*time.Second),
		kgo.MaxBufferedRecords(1_000_000), kgo.MaxBufferedBytes(256<<20))
}

// pace publishes the events one by one, so many a second and evenly spaced.
func (k *kafkaSource) pace(ctx context.Context, t *traffic.Traffic, rate float64) error {
	start := time.Now()
	wait := func() error {
		due := start.Add(time.Duration(float64(t.Made()) / rate * float64(time.Second)))
		select {
		case <-time.After(time.Until(due)):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return k.publish(ctx, t, wait, kgo.ProducerLinger(0))
}

// publish sends each event after wait has returned.
func (k *kafkaSource) publish(ctx context.Context, t *traffic.Traffic, wait func() error, opts ...kgo.Opt) error {
	if conf, err := certificate.Client(k.tls); err != nil {
		return err
	} else if conf != nil {
		opts = append(opts, kgo.DialTLSConfig(conf))
	}
	client, err := kgo.NewClient(append(opts,
		kgo.SeedBrokers(strings.Split(k.brokers, ",")...), kgo.DefaultProduceTopic(k.topic),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(k.codec), kgo.ProducerBatchMaxBytes(128<<10),
	)...)
	if err != nil {
		return err
	}
	defer client.Close()
	var failed kgo.FirstErrPromise
	for {
		if err := wait(); err != nil {
			return err
		}
		person, value, ok := t.NextRecord()
		if !ok {
			break
		}
		client.Produce(ctx, &kgo.Record{
			Partition: int32(person % uint32(k.partitions)), Key: []byte(traffic.CustomerID(person)),
			Value: append([]byte(nil), value...),
		}, failed.Promise())
	}
	if err := client.Flush(ctx); err != nil {
		return err
	}
	return failed.Err()
}
