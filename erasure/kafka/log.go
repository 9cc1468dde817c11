package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/erasure"
	"github.com/ciobridge/ciobridge/internal/kafkatopic"
)

const (
	timeout   = 10 * time.Second // of one attempt
	fetchWait = 100 * time.Millisecond
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
	_, err := l.end(ctx)
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
	settings, err := kafkatopic.Settings(ctx, l.client, l.topic, "cleanup.policy")
	policy, told := settings["cleanup.policy"]
	if err == nil && !told {
		err = errors.New("the broker does not tell its cleanup.policy")
	}
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
	err := kafkatopic.Make(ctx, l.client, l.topic, 1, l.replicas,
		kafka.ConfigEntry{ConfigName: "cleanup.policy", ConfigValue: "compact"})
	if err == nil {
		_, err = kafkatopic.Await(ctx, l.client, l.topic, 0)
	}
	return err
}

// end is the offset after the last.
func (l *Log) end(ctx context.Context) (int64, error) {
	_, end, err := kafkatopic.Bounds(ctx, l.client, l.topic, 0)
	return end, err
}

// Read gives the records that were written since the last call. A topic that was made anew is read from its start.
func (l *Log) Read(ctx context.Context, each func(erasure.Record)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	end, err := l.end(ctx)
	if err != nil {
		return fmt.Errorf("read the topic %s of erasure fences: %w", l.topic, err)
	}
	if end < l.next {
		l.next = 0
	}
	for l.next < end {
		err := l.fetch(ctx, end, each)
		if errors.Is(err, kafka.OffsetOutOfRange) {
			first, _, errFirst := kafkatopic.Bounds(ctx, l.client, l.topic, 0)
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

// fetch gives the records of one fetch that stand before the end.
func (l *Log) fetch(ctx context.Context, end int64, each func(erasure.Record)) error {
	next, err := kafkatopic.Fetch(ctx, l.client, l.topic, 0, l.next, fetchWait, func(r *kafka.Record) error {
		if r.Offset >= end {
			return nil
		}
		key, value, err := kafkatopic.Content(r)
		if err != nil {
			return err
		}
		each(erasure.Record{Key: string(key), Value: value})
		return nil
	})
	if err == nil {
		l.next = min(next, end)
	}
	return cmp.Or(err, ctx.Err())
}

// Write produces the records in one request, and waits for all replicas that are in sync.
func (l *Log) Write(ctx context.Context, records ...erasure.Record) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	batch := make([]kafka.Record, len(records))
	for i, r := range records {
		batch[i] = kafka.Record{Time: time.Now(), Key: kafka.NewBytes([]byte(r.Key)), Value: kafka.NewBytes(r.Value)}
	}
	if _, err := kafkatopic.Produce(ctx, l.client, l.topic, 0, batch...); err != nil {
		return fmt.Errorf("write to the topic %s of erasure fences: %w", l.topic, err)
	}
	return nil
}
