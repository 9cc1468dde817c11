package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/internal/cloudevent"
	"github.com/ciobridge/ciobridge/internal/kafkatopic"
	"github.com/ciobridge/ciobridge/webhook"
)

// attemptTime bounds one request that stores events. One that begins as its caller gives up, and waits for the one
// before it, is over before webhook.Settle.
const attemptTime = 2 * time.Second

// Bus stores events in a topic.
type Bus struct {
	client *kafka.Client
	writer kafka.Writer
	group  *group
	topic  string
	next   map[int]int64 // by partition, the offset to read from
}

// New stores events in a topic of that name.
func New(conn *broker.Kafka, topic string) *Bus {
	b := &Bus{client: conn.Client(), topic: topic, next: map[int]int64{}, writer: kafka.Writer{
		Addr: kafka.TCP(conn.Brokers()...), Transport: conn.Transport(), Topic: topic, RequiredAcks: kafka.RequireAll,
		Balancer: kafka.Murmur2Balancer{}, BatchTimeout: time.Millisecond, BatchSize: groupCount,
		WriteTimeout: attemptTime, ReadTimeout: attemptTime,
		MaxAttempts: 1, // Customer.io tries again, when it is known what was stored
	}}
	b.group = newGroup(b.writer.WriteMessages)
	return b
}

// Publish implements webhook.Bus.
func (b *Bus) Publish(ctx context.Context, e *cloudevent.Event, _, _ string) error {
	value, err := e.JSON()
	if err != nil {
		return fmt.Errorf("write the event: %w", err)
	}
	m := kafka.Message{Key: []byte(cmp.Or(e.Subject, e.ID)), Value: value}
	for _, h := range e.Headers() {
		m.Headers = append(m.Headers, kafka.Header{Key: h.Key, Value: []byte(h.Value)})
	}
	err = b.group.store(ctx, m)
	if errors.Is(err, kafka.MessageSizeTooLarge) {
		err = fmt.Errorf("%w: %w", webhook.ErrTooLarge, err)
	}
	if err != nil {
		return fmt.Errorf("publish to the topic %s: %w", b.topic, err)
	}
	return nil
}

// Read implements webhook.Bus.
func (b *Bus) Read(ctx context.Context, count int, each func(id string)) error {
	topic, err := kafkatopic.Describe(ctx, b.client, b.topic)
	if err != nil {
		return fmt.Errorf("look at the topic %s: %w", b.topic, err)
	}
	if len(b.next) == 0 {
		if err := b.check(ctx); err != nil {
			return err
		}
	}
	for _, p := range topic.Partitions {
		if err := b.readPartition(ctx, p.ID, int64(count/len(topic.Partitions)), each); err != nil {
			return fmt.Errorf("read partition %d of the topic %s: %w", p.ID, b.topic, err)
		}
	}
	return nil
}

// check makes sure that the topic keeps every event of a person, as far as the cluster tells how it is set.
func (b *Bus) check(ctx context.Context) error {
	const name = "cleanup.policy"
	settings, err := kafkatopic.Settings(ctx, b.client, b.topic, name)
	if err == nil && strings.Contains(settings[name], "compact") {
		return fmt.Errorf("the topic %s has %s %s, and would keep one event of each person: set it to delete",
			b.topic, name, settings[name])
	}
	return nil // who may not ask is not kept from storing
}

func (b *Bus) readPartition(ctx context.Context, partition int, count int64, each func(id string)) error {
	first, end, err := kafkatopic.Bounds(ctx, b.client, b.topic, partition)
	if err != nil {
		return err
	}
	next, begun := b.next[partition]
	if !begun || next > end {
		next = end - count
	}
	for next = max(next, first); next < end; {
		last := next
		next, err = kafkatopic.Fetch(ctx, b.client, b.topic, partition, last, time.Second, func(r *kafka.Record) error {
			for _, h := range r.Headers {
				if h.Key == cloudevent.IDHeader {
					each(string(h.Value))
				}
			}
			return nil
		})
		switch {
		case err != nil:
			return err
		case next == last:
			return kafkatopic.ErrHidden
		}
		b.next[partition] = next
	}
	b.next[partition] = next
	return nil
}

// Close implements webhook.Bus.
func (b *Bus) Close() {
	b.group.close()
	b.writer.Close()
}
