package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/erasure"
)

const (
	timeout    = 10 * time.Second // of one attempt
	fetchBytes = 1 << 20          // of one fetch; a larger batch comes whole
	fetchWait  = 100 * time.Millisecond
)

// Log keeps fences in a topic.
type Log struct {
	client   *kafka.Client
	topic    string
	create   bool
	replicas int

	mu   sync.Mutex
	next int64 // the offset to go on from
}

// New keeps fences in the topic. With create it is made where it is missing, with so many replicas; 0 leaves that to
// the broker.
func New(client *kafka.Client, topic string, create bool, replicas int) *Log {
	return &Log{client: client, topic: topic, create: create, replicas: replicas}
}

// Check makes sure that the topic is there and keeps the last record of each key.
func (l *Log) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	_, err := l.bound(ctx, kafka.LastOffset)
	if errors.Is(err, kafka.UnknownTopicOrPartition) && l.create {
		err = l.make(ctx)
	}
	if errors.Is(err, kafka.UnknownTopicOrPartition) {
		return fmt.Errorf("%w: topic %s: %w; make it with cleanup.policy=compact, or set erasure.create: true",
			erasure.ErrUnfit, l.topic, err)
	}
	if err != nil {
		return fmt.Errorf("look at the topic %s of erasure fences: %w", l.topic, err)
	}
	policy, err := l.policy(ctx)
	if err != nil {
		return fmt.Errorf("look at the settings of the topic %s of erasure fences: %w", l.topic, err)
	}
	if !strings.Contains(policy, "compact") || strings.Contains(policy, "delete") {
		return fmt.Errorf("%w: topic %s has cleanup.policy %s, and would forget whom nothing may bring back: set it "+
			"to compact", erasure.ErrUnfit, l.topic, policy)
	}
	return nil
}

// make makes the topic and waits until its leader answers.
func (l *Log) make(ctx context.Context) error {
	replicas := l.replicas
	if replicas == 0 {
		replicas = -1 // the broker's own default
	}
	made, err := l.client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
		Topic: l.topic, NumPartitions: 1, ReplicationFactor: replicas,
		ConfigEntries: []kafka.ConfigEntry{{ConfigName: "cleanup.policy", ConfigValue: "compact"}},
	}}})
	if err != nil {
		return err
	}
	if err := made.Errors[l.topic]; err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
		return err
	}
	for {
		_, err := l.bound(ctx, kafka.LastOffset)
		if err == nil || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (l *Log) policy(ctx context.Context) (string, error) {
	answer, err := l.client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{
		Resources: []kafka.DescribeConfigRequestResource{{
			ResourceType: kafka.ResourceTypeTopic, ResourceName: l.topic, ConfigNames: []string{"cleanup.policy"},
		}}})
	if err != nil {
		return "", err
	}
	for _, r := range answer.Resources {
		if r.Error != nil {
			return "", r.Error
		}
		for _, e := range r.ConfigEntries {
			if e.ConfigName == "cleanup.policy" {
				return e.ConfigValue, nil
			}
		}
	}
	return "", errors.New("the broker does not tell its cleanup.policy")
}

// bound is the first or the last offset.
func (l *Log) bound(ctx context.Context, which int64) (int64, error) {
	answer, err := l.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{
		l.topic: {{Partition: 0, Timestamp: which}},
	}})
	if err != nil {
		return 0, err
	}
	partitions := answer.Topics[l.topic]
	switch {
	case len(partitions) == 0:
		return 0, kafka.UnknownTopicOrPartition
	case partitions[0].Error != nil:
		return 0, partitions[0].Error
	case which == kafka.FirstOffset:
		return partitions[0].FirstOffset, nil
	}
	return partitions[0].LastOffset, nil
}

// Read gives the records that were written since the last call. A topic that was made anew is read from its start.
func (l *Log) Read(ctx context.Context, each func(erasure.Record)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	end, err := l.bound(ctx, kafka.LastOffset)
	if err != nil {
		return fmt.Errorf("read the topic %s of erasure fences: %w", l.topic, err)
	}
	if end < l.next {
		l.next = 0
	}
	for l.next < end {
		err := l.fetch(ctx, end, each)
		if errors.Is(err, kafka.OffsetOutOfRange) {
			first, errFirst := l.bound(ctx, kafka.FirstOffset)
			if errFirst == nil && first > l.next {
				l.next = first
				continue
			}
			err = errors.Join(err, errFirst)
		}
		if err != nil {
			return fmt.Errorf("read the topic %s of erasure fences at %d: %w", l.topic, l.next, err)
		}
	}
	return nil
}

// fetch gives the records of one fetch. Where compaction has left none of a batch, it steps over one offset.
func (l *Log) fetch(ctx context.Context, end int64, each func(erasure.Record)) (err error) {
	defer func() {
		if p := recover(); p != nil { // kafka-go panics on some damaged batches: its issue 1438
			err = fmt.Errorf("decode the batch: %v", p)
		}
	}()
	answer, err := l.client.Fetch(ctx, &kafka.FetchRequest{
		Topic: l.topic, Partition: 0, Offset: l.next, MinBytes: 1, MaxBytes: fetchBytes, MaxWait: fetchWait,
	})
	if err != nil {
		return err
	}
	if closer, ok := answer.Records.(io.Closer); ok {
		defer closer.Close()
	}
	if answer.Error != nil {
		return answer.Error
	}
	for next := l.next + 1; ; {
		r, err := answer.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			l.next = next
			return nil
		}
		if err != nil {
			return err
		}
		if r.Offset < l.next {
			continue
		}
		if r.Offset >= end {
			l.next = end
			return nil
		}
		key, errKey := kafka.ReadAll(r.Key)
		value, errValue := kafka.ReadAll(r.Value)
		if err := errors.Join(errKey, errValue); err != nil {
			return err
		}
		each(erasure.Record{Key: string(key), Value: value})
		next = r.Offset + 1
	}
}

// Write produces the records in one request, and waits for all replicas that are in sync.
func (l *Log) Write(ctx context.Context, records ...erasure.Record) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	batch := make([]kafka.Record, len(records))
	for i, r := range records {
		batch[i] = kafka.Record{Time: time.Now(), Key: kafka.NewBytes([]byte(r.Key)), Value: kafka.NewBytes(r.Value)}
	}
	answer, err := l.client.Produce(ctx, &kafka.ProduceRequest{
		Topic: l.topic, Partition: 0, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(batch...),
	})
	switch {
	case err == nil && answer.Error != nil:
		err = answer.Error
	case err == nil && len(answer.RecordErrors) > 0:
		err = kafka.InvalidRecord
	}
	if err != nil {
		return fmt.Errorf("write to the topic %s of erasure fences: %w", l.topic, err)
	}
	return nil
}
