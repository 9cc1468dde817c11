package nats

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	consumerjetstream "github.com/ciobridge/ciobridge/consumer/jetstream"
	"github.com/ciobridge/ciobridge/event"
)

type publisher struct {
	js   jetstream.JetStream
	read []consumerjetstream.StreamConfig
}

// Publish implements source.Publisher. It waits for the acknowledgement of each message, and makes sure that a stream
// keeps it which the source reads.
func (p *publisher) Publish(ctx context.Context, messages []event.Message) error {
	acks := make([]jetstream.PubAckFuture, len(messages))
	for i, m := range messages {
		var err error
		if acks[i], err = p.js.PublishMsgAsync(messageOf(m)); err != nil {
			return err
		}
	}
	for i, ack := range acks {
		if err := p.await(ctx, ack); err != nil {
			if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
				return fmt.Errorf("wait for acknowledgements: %w", err)
			}
			return fmt.Errorf("subject %s: %w", messages[i].Origin.Subject, err)
		}
	}
	return nil
}

func messageOf(m event.Message) *nats.Msg {
	msg := &nats.Msg{Subject: m.Origin.Subject, Data: m.Value}
	for _, h := range m.Headers {
		if msg.Header == nil {
			msg.Header = nats.Header{}
		}
		msg.Header.Add(h.Key, string(h.Value))
	}
	return msg
}

// await waits until a message is stored where the source reads it.
func (p *publisher) await(ctx context.Context, ack jetstream.PubAckFuture) error {
	select {
	case stored := <-ack.Ok():
		reads := func(s consumerjetstream.StreamConfig) bool { return s.Name == stored.Stream }
		if !slices.ContainsFunc(p.read, reads) {
			return fmt.Errorf("is kept by the stream %s, which the source does not read", stored.Stream)
		}
		return nil
	case err := <-ack.Err():
		if errors.Is(err, jetstream.ErrNoStreamResponse) {
			return fmt.Errorf("no stream keeps it, so nothing was stored: %w", err)
		}
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close implements source.Publisher.
func (p *publisher) Close() {}
