package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/consumer"
	consumerkafka "github.com/ciobridge/ciobridge/consumer/kafka"
	"github.com/ciobridge/ciobridge/deadletter"
	deadletterkafka "github.com/ciobridge/ciobridge/deadletter/kafka"
	"github.com/ciobridge/ciobridge/erasure"
	erasurekafka "github.com/ciobridge/ciobridge/erasure/kafka"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/memory"
	"github.com/ciobridge/ciobridge/ledger"
	ledgerkafka "github.com/ciobridge/ciobridge/ledger/kafka"
	"github.com/ciobridge/ciobridge/source"
	"github.com/ciobridge/ciobridge/webhook"
	webhookkafka "github.com/ciobridge/ciobridge/webhook/kafka"
)

// connection is a Kafka cluster, and what is read of it.
type connection struct {
	conn   *broker.Kafka
	config consumerkafka.Config
}

// reader is the consumer of the topics.
type reader struct{ *consumerkafka.Source }

// Missing implements source.Reader.
func (reader) Missing(err error) bool {
	var missing *consumerkafka.MissingTopicsError
	return errors.As(err, &missing)
}

// Reader implements source.Broker.
func (c *connection) Reader(m *memory.Limiter, log *zap.Logger, reg prometheus.Registerer) (source.Reader, error) {
	k, err := consumerkafka.New(c.config, c.conn, m, log, reg)
	if err != nil {
		return nil, err
	}
	return reader{k}, nil
}

// Offsets implements source.Broker.
func (c *connection) Offsets(ctx context.Context) ([]consumer.OffsetInfo, error) {
	return consumerkafka.Offsets(ctx, c.conn, c.config)
}

// SetOffsets implements source.Broker.
func (c *connection) SetOffsets(ctx context.Context, changes []consumer.OffsetChange) error {
	err := consumerkafka.SetOffsets(ctx, c.conn, c.config, changes)
	if errors.Is(err, consumerkafka.ErrGroupRunning) {
		return &source.InUseError{Err: err}
	}
	return err
}

// Ahead implements source.Broker.
func (c *connection) Ahead(ctx context.Context) ([]consumer.Extent, error) {
	return consumerkafka.Ahead(ctx, c.conn, c.config)
}

// Extents implements source.Broker.
func (c *connection) Extents(ctx context.Context, between consumer.Bounds) ([]consumer.Extent, error) {
	return consumerkafka.Extents(ctx, c.conn, c.config, between)
}

// ReadExtent implements source.Broker.
func (c *connection) ReadExtent(ctx context.Context, e consumer.Extent, f func(*event.Message) error) error {
	return consumerkafka.ReadExtent(ctx, c.conn, c.config, e, f)
}

// Letters implements source.Broker.
func (c *connection) Letters(d deadletter.Config, hash string) source.Letters {
	return deadletterkafka.New(c.conn, d, hash)
}

// CheckApart implements source.Broker: the topics were compared when the configuration was read.
func (c *connection) CheckApart(context.Context, string, string) error { return nil }

// Fences implements source.Broker.
func (c *connection) Fences(e erasure.Config) erasure.Log {
	return erasurekafka.New(c.conn.Client(), e.Topic, e.Create, e.Replicas)
}

// Tell implements source.Broker. The key is that of the record.
func (c *connection) Tell(ctx context.Context, to, key, _ string, value []byte) error {
	p := c.publisher()
	defer p.Close()
	err := p.Publish(ctx, []event.Message{{Origin: event.Origin{Topic: to}, Key: []byte(key), Value: value}})
	if err != nil {
		return fmt.Errorf("publish to the topic %s: %w", to, err)
	}
	return nil
}

// Webhooks implements source.Broker.
func (c *connection) Webhooks(w webhook.Config) webhook.Bus { return webhookkafka.New(c.conn, w.Topic) }

// Ledger implements source.Broker.
func (c *connection) Ledger(l ledger.Config) ledger.Store { return ledgerkafka.New(c.conn, l) }

// Publisher implements source.Broker. Keys go where the Java client and librdkafka's murmur2_random put them.
func (c *connection) Publisher() source.Publisher { return c.publisher() }

func (c *connection) publisher() *publisher {
	return &publisher{kafka.Writer{
		Addr: kafka.TCP(c.conn.Brokers()...), Transport: c.conn.Transport(), RequiredAcks: kafka.RequireAll,
		Balancer: kafka.Murmur2Balancer{}, BatchTimeout: 5 * time.Millisecond, BatchSize: source.PublishAtOnce,
	}}
}

// Close implements source.Broker.
func (c *connection) Close() { c.conn.Close() }

type publisher struct{ writer kafka.Writer }

// Publish implements source.Publisher.
func (p *publisher) Publish(ctx context.Context, messages []event.Message) error {
	records := make([]kafka.Message, len(messages))
	for i, m := range messages {
		records[i] = kafka.Message{Topic: m.Origin.Topic, Key: m.Key, Value: m.Value}
		for _, h := range m.Headers {
			records[i].Headers = append(records[i].Headers, kafka.Header{Key: h.Key, Value: h.Value})
		}
	}
	return p.writer.WriteMessages(ctx, records...)
}

// Close implements source.Publisher.
func (p *publisher) Close() { p.writer.Close() }
