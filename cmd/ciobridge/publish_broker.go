package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/event"
)

// publisher publishes over the connection that is there. The function returned beside it ends what it uses.
func (b *brokers) publisher(c config.Config) (publisher, func()) {
	if b.kafka != nil {
		w := &kafka.Writer{
			Addr: kafka.TCP(b.kafka.Brokers()...), Transport: b.kafka.Transport(), RequiredAcks: kafka.RequireAll,
			Balancer:     kafka.Murmur2Balancer{}, // keys go where the Java client and librdkafka's murmur2_random put them
			BatchTimeout: 5 * time.Millisecond, BatchSize: publishAtOnce,
		}
		return func(ctx context.Context, messages []event.Message) error { return publishKafka(ctx, w, messages) },
			func() { w.Close() }
	}
	return func(ctx context.Context, messages []event.Message) error {
		return publishJetStream(ctx, b.nats.JetStream(), jetStreamOf(c.Source).Streams, messages)
	}, func() {}
}

func publishKafka(ctx context.Context, w *kafka.Writer, messages []event.Message) error {
	records := make([]kafka.Message, len(messages))
	for i, m := range messages {
		records[i] = kafka.Message{Topic: m.Origin.Topic, Key: m.Key, Value: m.Value}
		for _, h := range m.Headers {
			records[i].Headers = append(records[i].Headers, kafka.Header{Key: h.Key, Value: h.Value})
		}
	}
	return w.WriteMessages(ctx, records...)
}

// publishJetStream waits for the acknowledgement of each message, and makes sure that a stream keeps it which the bridge reads.
func publishJetStream(ctx context.Context, js jetstream.JetStream, streams []consumer.StreamConfig, messages []event.Message) error {
	acks := make([]jetstream.PubAckFuture, len(messages))
	for i, m := range messages {
		msg := &nats.Msg{Subject: m.Origin.Subject, Data: m.Value}
		for _, h := range m.Headers {
			if msg.Header == nil {
				msg.Header = nats.Header{}
			}
			msg.Header.Add(h.Key, string(h.Value))
		}
		var err error
		if acks[i], err = js.PublishMsgAsync(msg); err != nil {
			return err
		}
	}
	for i, ack := range acks {
		select {
		case stored := <-ack.Ok():
			if !slices.ContainsFunc(streams, func(s consumer.StreamConfig) bool { return s.Name == stored.Stream }) {
				return fmt.Errorf("subject %s: is kept by the stream %s, which the source does not read", messages[i].Origin.Subject, stored.Stream)
			}
		case err := <-ack.Err():
			if errors.Is(err, jetstream.ErrNoStreamResponse) {
				return fmt.Errorf("subject %s: no stream keeps it, so nothing was stored: %w", messages[i].Origin.Subject, err)
			}
			return fmt.Errorf("subject %s: %w", messages[i].Origin.Subject, err)
		case <-ctx.Done():
			return fmt.Errorf("wait for acknowledgements: %w", ctx.Err())
		}
	}
	return nil
}
