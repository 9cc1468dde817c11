package jetstream

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/internal/cloudevent"
	"github.com/ciobridge/ciobridge/webhook"
)

const (
	readAtOnce = 500
	goneAfter  = time.Minute // a consumer that nobody asks
)

// Bus stores events under subjects that a stream keeps.
type Bus struct {
	js       jetstream.JetStream
	subject  string
	consumer jetstream.Consumer // nil until it is made, and after a failure
	created  time.Time          // when the stream was made that was read
	read     uint64             // the last sequence of the stream that was read
}

// New stores events under subjects that begin with a subject.
func New(js jetstream.JetStream, subject string) *Bus { return &Bus{js: js, subject: subject} }

// Publish implements webhook.Bus.
func (b *Bus) Publish(ctx context.Context, e *cloudevent.Event, object, metric string) error {
	value, err := e.JSON()
	if err != nil {
		return fmt.Errorf("write the event: %w", err)
	}
	m := &nats.Msg{Subject: b.subject + "." + object + "." + metric, Data: value, Header: nats.Header{}}
	for _, h := range e.Headers() {
		m.Header.Set(h.Key, h.Value)
	}
	_, err = b.js.PublishMsg(ctx, m, jetstream.WithMsgID(e.ID), jetstream.WithRetryAttempts(0))
	if broker.IsTooLarge(err) {
		err = fmt.Errorf("%w: %w", webhook.ErrTooLarge, err)
	}
	if err != nil {
		return fmt.Errorf("publish to the subject %s: %w", m.Subject, err)
	}
	return nil
}

// Read implements webhook.Bus.
func (b *Bus) Read(ctx context.Context, count int, each func(id string)) error {
	all := b.subject + ".>"
	name, err := b.js.StreamNameBySubject(ctx, all)
	if err != nil {
		return fmt.Errorf("find the stream of the subjects %s: %w", all, err)
	}
	old := b.consumer != nil
	err = b.readStream(ctx, name, all, count, each)
	if err != nil && old { // the server has removed a consumer that nobody asked for a while
		b.consumer = nil
		err = b.readStream(ctx, name, all, count, each)
	}
	if err != nil {
		b.consumer = nil
		return fmt.Errorf("read the stream %s: %w", name, err)
	}
	return nil
}

func (b *Bus) readStream(ctx context.Context, name, subjects string, count int, each func(id string)) error {
	stream, err := b.js.Stream(ctx, name)
	if err != nil {
		return err
	}
	info := stream.CachedInfo()
	end := info.State.LastSeq
	if !info.Created.Equal(b.created) {
		if b.read, err = before(ctx, stream, subjects, uint64(count)); err != nil {
			return err
		}
		b.created, b.consumer = info.Created, nil
	}
	if end <= b.read {
		return nil
	}
	if b.consumer == nil {
		if b.consumer, err = b.js.OrderedConsumer(ctx, name, jetstream.OrderedConsumerConfig{
			FilterSubjects: []string{subjects}, DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
			OptStartSeq: b.read + 1, HeadersOnly: true, InactiveThreshold: goneAfter,
		}); err != nil {
			return err
		}
	}
	return b.drain(ctx, end, each)
}

// before is the sequence after which a stream has about the last count messages of subjects. It may keep others too,
// which lie between them.
func before(ctx context.Context, stream jetstream.Stream, subjects string, count uint64) (uint64, error) {
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(subjects))
	if err != nil {
		return 0, err
	}
	ours := uint64(0)
	for _, n := range info.State.Subjects {
		ours += n
	}
	if ours <= count {
		return 0, nil
	}
	back := count * ((info.State.Msgs + ours - 1) / ours)
	return info.State.LastSeq - min(back, info.State.LastSeq), nil
}

// drain takes what the consumer has. Of a stream that keeps other subjects too, the last message may be none of ours.
func (b *Bus) drain(ctx context.Context, end uint64, each func(id string)) error {
	for b.read < end && ctx.Err() == nil {
		batch, err := b.consumer.FetchNoWait(readAtOnce)
		if err != nil {
			return err
		}
		n := 0
		for m := range batch.Messages() {
			meta, err := m.Metadata()
			if err != nil {
				return err
			}
			each(m.Headers().Get(cloudevent.IDHeader))
			b.read = max(b.read, meta.Sequence.Stream)
			n++
		}
		if err := batch.Error(); err != nil {
			return err
		}
		if n == 0 {
			b.read = end
		}
	}
	return ctx.Err()
}

// Close implements webhook.Bus.
func (b *Bus) Close() {}
