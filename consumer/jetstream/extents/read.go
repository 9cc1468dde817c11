package extents

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	natsjetstream "github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/consumer/jetstream"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/retry"
)

const (
	tryLimit   = 2 * time.Minute // how long reading is tried without getting on
	fetchBytes = 4 << 20         // of the messages that are asked for at once, as far as can be known
	mostAtOnce = 500
)

var errBehind = errors.New("messages that the server has did not come")

// Read gives each the messages of an extent, in order, and returns when it has come to the end. It acks nothing, and
// tries again while the server comes and goes. The messages are each's to keep. Its error is the first of each, or a
// *consumer.GoneError where the stream has discarded messages that were not read.
func Read(ctx context.Context, js natsjetstream.JetStream, config jetstream.Config, e consumer.Extent,
	each func(*event.Message) error) error {
	all := partitions(config)
	i := slices.IndexFunc(all, func(p partition) bool { return p.stream == e.Topic && p.index == e.Partition })
	if i < 0 {
		return exit.With(exit.Input, fmt.Errorf("the source does not read %s/%d", e.Topic, e.Partition))
	}
	r := &reader{js: js, partition: all[i], asked: e, next: e.From, batch: 16, each: each}
	again := retry.Policy{First: 200 * time.Millisecond, Longest: 5 * time.Second, Limit: tryLimit}
	for r.next < e.End {
		if err := retry.Do(ctx, again, r.step); err != nil {
			return fmt.Errorf("read stream %s at %d: %w", e.Topic, r.next, err)
		}
	}
	return nil
}

// reader reads an extent.
type reader struct {
	js        natsjetstream.JetStream
	partition partition
	asked     consumer.Extent
	next      int64
	batch     int // how many messages are asked for at once
	each      func(*event.Message) error
}

// step reads with one consumer. It gets on or fails.
func (r *reader) step(ctx context.Context) error {
	before := r.next
	err := r.read(ctx)
	if r.next > before && !retry.IsPermanent(err) {
		return nil // what is the matter shows in the next step
	}
	return err
}

func (r *reader) read(ctx context.Context) error {
	stream, err := r.js.Stream(ctx, r.partition.stream)
	if errors.Is(err, natsjetstream.ErrStreamNotFound) {
		return retry.Permanent(err)
	}
	if err != nil {
		return err
	}
	if first := int64(stream.CachedInfo().State.FirstSeq); first > r.next {
		gone := r.asked
		gone.From = r.next
		return retry.Permanent(&consumer.GoneError{Extent: gone, To: min(first, gone.End)})
	}
	config := ephemeral(r.partition.filter)
	config.DeliverPolicy, config.OptStartSeq = natsjetstream.DeliverByStartSequencePolicy, uint64(r.next)
	from, err := open(ctx, stream, config)
	if err != nil {
		return err
	}
	defer from.close(ctx)
	for delivered := uint64(0); r.next < r.asked.End; {
		if from.pending == 0 {
			r.next = r.asked.End // what is left of the extent has no message that is read here
			return nil
		}
		n := min(uint64(r.batch), from.pending, uint64(r.asked.End-r.next))
		messages, err := from.fetch(ctx, int(n))
		if err != nil {
			return err
		}
		if err := r.take(from, messages, &delivered); err != nil {
			return err
		}
	}
	return nil
}

// take gives each the messages of one request.
func (r *reader) take(from *ephemeralConsumer, messages natsjetstream.MessageBatch, delivered *uint64) error {
	count, size := 0, 0
	for m := range messages.Messages() {
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		if meta.Sequence.Consumer != *delivered+1 {
			return errBehind
		}
		*delivered = meta.Sequence.Consumer
		from.pending = meta.NumPending
		if int64(meta.Sequence.Stream) >= r.asked.End {
			r.next = r.asked.End
			return nil
		}
		message := r.message(m, meta)
		count, size = count+1, size+message.Size()
		if err := r.each(message); err != nil {
			return retry.Permanent(err)
		}
		r.next = int64(meta.Sequence.Stream) + 1
	}
	if err := messages.Error(); err != nil {
		return err
	}
	if count == 0 {
		return errBehind
	}
	r.batch = max(16, min(mostAtOnce, fetchBytes*count/max(size, 1)))
	return nil
}

// message makes the message, as the source of the bridge makes it.
func (r *reader) message(m natsjetstream.Msg, meta *natsjetstream.MsgMetadata) *event.Message {
	out := &event.Message{
		Origin: event.Origin{Topic: r.asked.Topic, Subject: m.Subject(), Partition: r.asked.Partition,
			Offset: int64(meta.Sequence.Stream)},
		Value: m.Data(), Time: meta.Timestamp,
	}
	header := m.Headers()
	for _, key := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[key] {
			out.Headers = append(out.Headers, event.Header{Key: key, Value: []byte(value)})
		}
	}
	return out
}

// ephemeralConsumer is a consumer on the server that lives as long as it is used.
type ephemeralConsumer struct {
	natsjetstream.Consumer
	stream  natsjetstream.Stream
	pending uint64 // messages that it has not delivered
}

// ephemeral is the configuration of such a consumer, but for the place where it starts.
func ephemeral(filter []string) natsjetstream.ConsumerConfig {
	c := natsjetstream.ConsumerConfig{
		AckPolicy: natsjetstream.AckNonePolicy, ReplayPolicy: natsjetstream.ReplayInstantPolicy,
		InactiveThreshold: time.Minute, MemoryStorage: true, Replicas: 1,
	}
	if len(filter) == 1 {
		c.FilterSubject = filter[0]
	} else {
		c.FilterSubjects = filter
	}
	return c
}

func open(ctx context.Context, stream natsjetstream.Stream, c natsjetstream.ConsumerConfig) (
	*ephemeralConsumer, error,
) {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	made, err := stream.CreateConsumer(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("make a consumer: %w", err)
	}
	return &ephemeralConsumer{made, stream, made.CachedInfo().NumPending}, nil
}

// fetch asks for messages that the server has.
func (c *ephemeralConsumer) fetch(ctx context.Context, n int) (natsjetstream.MessageBatch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return c.Fetch(n, natsjetstream.FetchMaxWait(answerLimit))
}

// close deletes the consumer. The server does so by itself after a minute.
func (c *ephemeralConsumer) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerLimit)
	defer cancel()
	_ = c.stream.DeleteConsumer(ctx, c.CachedInfo().Name)
}
