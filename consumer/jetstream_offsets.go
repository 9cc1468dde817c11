package consumer

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/broker"
)

// ErrStreamRead is the error of SetStreamOffsets while a replica reads a stream.
var ErrStreamRead = errors.New("a replica of the bridge reads the stream: stop every replica first, and after a crash wait ten seconds")

// StreamOffsets reads where the bridge stands on the configured streams, in their order; offsets are stream sequences and the
// partition is 0 where a stream has none. It changes nothing. Where only some subjects are read, or newer messages replace older ones, nobody can say
// whether a message that is gone was wanted, and Committed is then never before Start.
func StreamOffsets(ctx context.Context, conn *broker.NATS, config JetStreamConfig) ([]OffsetInfo, error) {
	var offsets []OffsetInfo
	for _, p := range config.parts() {
		o, err := newStreamReader(conn, config, p, zap.NewNop()).offset(ctx)
		if err != nil {
			return nil, fmt.Errorf("stream %s: %w", &p, err)
		}
		offsets = append(offsets, o.OffsetInfo)
	}
	return offsets, nil
}

// SetStreamOffsets makes reading go on at the given sequences, which the streams must have or give next. While a replica reads one
// of the streams the error is ErrStreamRead, and nothing has been changed.
func SetStreamOffsets(ctx context.Context, conn *broker.NATS, config JetStreamConfig, changes []OffsetChange) error {
	type place struct {
		stream    string
		partition int32
	}
	readers := map[place]*streamReader{}
	for _, p := range config.parts() {
		readers[place{p.stream, p.index}] = newStreamReader(conn, config, p, zap.NewNop())
	}
	offsets := make([]streamOffset, len(changes))
	var errs []error
	for i, c := range changes {
		r := readers[place{c.Topic, c.Partition}]
		if r == nil {
			errs = append(errs, fmt.Errorf("%s/%d: is not among the configured streams", c.Topic, c.Partition))
			continue
		}
		o, err := r.offset(ctx)
		switch {
		case err != nil:
		case o.active:
			err = ErrStreamRead
		case c.Offset < o.Start || c.Offset > o.End:
			err = fmt.Errorf("offset %d is outside of the stream: give %d to %d, where the last means what comes from now on", c.Offset, o.Start, o.End)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("stream %s: %w", &r.part, err))
		}
		offsets[i] = o
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for i, c := range changes {
		r := readers[place{c.Topic, c.Partition}]
		if err := r.setOffset(ctx, offsets[i], uint64(c.Offset)); err != nil {
			return fmt.Errorf("stream %s: %w", &r.part, err)
		}
	}
	return nil
}

type streamOffset struct {
	OffsetInfo
	made   bool // the consumer is there
	active bool // a replica has the pin
	stream jetstream.StreamConfig
}

func (r *streamReader) offset(ctx context.Context) (streamOffset, error) {
	info, err := r.streamInfo(ctx)
	if err != nil {
		return streamOffset{}, err
	}
	o := streamOffset{stream: info.Config, OffsetInfo: OffsetInfo{
		Topic: r.part.stream, Partition: r.part.index, Committed: -1, Start: int64(max(1, info.State.FirstSeq)), End: int64(info.State.LastSeq) + 1,
	}}
	if err := r.look(ctx, info); err != nil {
		return o, err
	}
	consumer, err := r.conn.JetStream().Consumer(ctx, r.part.stream, r.part.durable)
	o.made = err == nil
	if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return o, fmt.Errorf("look at the consumer: %w", err)
	}
	var state *jetstream.ConsumerInfo
	if o.made {
		state = consumer.CachedInfo()
		o.active = pinned(state) != ""
		if err := r.believe(ctx, info, state.AckFloor.Stream); err != nil {
			return o, err
		}
	}
	if !r.memory.known() {
		return o, nil
	}
	o.Committed = r.memory.next
	o.Done, o.gone = r.memory.done.count(), r.memory.done.within(o.Committed, o.Start)
	if !r.dense(info) {
		o.Committed = max(o.Committed, o.Start)
		if o.made && state.NumPending == 0 && state.NumAckPending == 0 && int64(state.AckFloor.Stream) < r.memory.next {
			o.Committed = max(o.Committed, o.End) // the rest of the stream is of other subjects
		}
	}
	return o, nil
}

// setOffset sets the consumer, or makes it at that place. The server sets none to before the place at which it once began: then it
// is made anew, unless the stream would drop with it what no other consumer wants.
func (r *streamReader) setOffset(ctx context.Context, o streamOffset, next uint64) error {
	if o.made {
		_, err := r.conn.JetStream().ResetConsumerToSequence(ctx, r.part.stream, r.part.durable, next)
		if err == nil {
			return r.setCheckpoint(ctx, next)
		}
		if !errors.Is(err, jetstream.ErrConsumerInvalidReset) {
			return fmt.Errorf("set the consumer: %w", err)
		}
		if o.stream.Retention != jetstream.LimitsPolicy {
			return errors.New("its retention keeps only what consumers want, so reading cannot be set to before where it once began")
		}
		if err := r.conn.JetStream().DeleteConsumer(ctx, r.part.stream, r.part.durable); err != nil {
			return fmt.Errorf("delete the consumer: %w", err)
		}
	}
	cfg := r.consumerConfig()
	cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, next
	if _, err := r.conn.JetStream().CreateConsumer(ctx, r.part.stream, cfg); err != nil {
		return fmt.Errorf("make the consumer at %d: %w", next, err)
	}
	return r.setCheckpoint(ctx, next)
}

// setCheckpoint stores the place too, and with it that what a reader remembers is void. Where there is no bucket nobody remembers anything.
func (r *streamReader) setCheckpoint(ctx context.Context, next uint64) error {
	if there, err := r.stored.open(ctx); !there || err != nil {
		return err
	}
	stored, err := r.stored.load(ctx)
	if err != nil {
		return err
	}
	set := checkpoint{Stream: r.part.stream, Durable: r.part.durable, Created: r.created, Sets: 1}
	if stored != nil {
		set.Sets = stored.Sets + 1
	}
	set.settle(int64(next), nil)
	if err := r.stored.write(ctx, &set); errors.Is(err, errFenced) {
		return ErrStreamRead
	} else if err != nil {
		return err
	}
	return nil
}

// look learns how far was read, and changes nothing.
func (r *streamReader) look(ctx context.Context, info *jetstream.StreamInfo) error {
	r.created = info.Created
	if there, err := r.stored.open(ctx); !there || err != nil {
		return err
	}
	stored, err := r.stored.load(ctx)
	if err != nil {
		return err
	}
	r.adopt(stored)
	return nil
}
