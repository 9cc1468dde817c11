package main

import (
	"context"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ciobridge/ciobridge/bench/traffic"
)

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
	if conf, err := clientTLS(k.tls); err != nil {
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
