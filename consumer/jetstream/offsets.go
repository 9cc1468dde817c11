package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/consumer"
)

// ErrStreamRead is the error of SetOffsets while a replica reads a stream.
var ErrStreamRead = errors.New("a replica of the bridge reads the stream: stop every replica first, and after a crash wait ten seconds")

// Offsets reads where the bridge stands on the configured streams, in their order; offsets are stream sequences and
// the partition is 0 where a stream has none. It changes nothing. Where only some subjects are read, or newer
// messages replace older ones, nobody can say whether a message that is gone was wanted, and Committed is then never
// before Start.
func Offsets(ctx context.Context, conn *broker.NATS, config Config) ([]consumer.OffsetInfo, error) {
	var offsets []consumer.OffsetInfo
	for _, p := range config.partitions() {
		o, err := newReader(conn, config, p, zap.NewNop()).readOffset(ctx)
		if err != nil {
			return nil, fmt.Errorf("stream %s: %w", &p, err)
		}
		offsets = append(offsets, o.OffsetInfo)
	}
	return offsets, nil
}

// SetOffsets makes reading go on at the given sequences, which the streams must have or give next. While a replica
// reads one of the streams the error is ErrStreamRead, and nothing has been changed. Any other error says what has
// been changed; to give the same changes again then completes them.
func SetOffsets(ctx context.Context, conn *broker.NATS, config Config, changes []consumer.OffsetChange) error {
	type place struct {
		stream    string
		partition int32
	}
	readers := map[place]*reader{}
	for _, p := range config.partitions() {
		readers[place{p.stream, p.index}] = newReader(conn, config, p, zap.NewNop())
	}
	offsets := make([]offset, len(changes))
	var errs []error
	for i, c := range changes {
		r := readers[place{c.Topic, c.Partition}]
		if r == nil {
			errs = append(errs, fmt.Errorf("%s/%d: is not among the configured streams", c.Topic, c.Partition))
			continue
		}
		o, err := r.readOffset(ctx)
		switch {
		case err != nil:
		case o.pinned:
			err = ErrStreamRead
		case c.Offset < o.Start || c.Offset > o.End:
			err = fmt.Errorf("offset %d is outside of the stream: give %d to %d, where the last means what comes from now on", c.Offset, o.Start, o.End)
		default:
			err = r.checkSettable(ctx, o, uint64(c.Offset))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("stream %s: %w", &r.partition, err))
		}
		offsets[i] = o
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	var set []string
	for i, c := range changes {
		r := readers[place{c.Topic, c.Partition}]
		err := r.setOffset(ctx, offsets[i], uint64(c.Offset))
		switch {
		case err == nil:
			set = append(set, r.partition.String())
		case len(set) > 0:
			return &partlySetError{set: set, err: fmt.Errorf("stream %s: %w", &r.partition, err)}
		default:
			return fmt.Errorf("stream %s: %w", &r.partition, err)
		}
	}
	return nil
}

// partlySetError says that some streams are set and one is not. It does not unwrap: ErrStreamRead says that nothing
// has been changed.
type partlySetError struct {
	set []string
	err error
}

func (e *partlySetError) Error() string {
	return fmt.Sprintf("%v; already set: %s: run the command again to set the rest", e.err, strings.Join(e.set, ", "))
}

type offset struct {
	consumer.OffsetInfo
	exists   bool // the consumer is there
	pinned   bool // a replica has the pin
	config   jetstream.ConsumerConfig
	ackFloor uint64 // the server's floor
	sets     int    // of the checkpoint that is stored
	stream   jetstream.StreamConfig
}

func (r *reader) readOffset(ctx context.Context) (offset, error) {
	info, err := r.streamInfo(ctx)
	if err != nil {
		return offset{}, err
	}
	o := offset{stream: info.Config, OffsetInfo: consumer.OffsetInfo{
		Topic: r.partition.stream, Partition: r.partition.index, Committed: -1, Start: firstSeq(info), End: int64(info.State.LastSeq) + 1,
	}}
	stored, err := r.peekCheckpoint(ctx, info)
	if err != nil {
		return o, err
	}
	if stored != nil {
		o.sets = stored.Sets
	}
	consumer, err := r.conn.JetStream().Consumer(ctx, r.partition.stream, r.partition.durable)
	o.exists = err == nil
	if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return o, fmt.Errorf("look at the consumer: %w", err)
	}
	var state *jetstream.ConsumerInfo
	if o.exists {
		state = consumer.CachedInfo()
		o.pinned, o.config, o.ackFloor = pinOf(state) != "", state.Config, state.AckFloor.Stream
		if err := r.mergeAckFloor(ctx, info, state.AckFloor.Stream); err != nil {
			return o, err
		}
	}
	if !r.progress.known() {
		return o, nil
	}
	o.Committed = r.progress.committable
	o.Done, o.Gone = r.progress.acked.Count(), r.progress.acked.CountWithin(o.Committed, o.Start)
	if !r.dense(info) {
		o.Committed = max(o.Committed, o.Start)
		if o.exists && state.NumPending == 0 && state.NumAckPending == 0 && int64(state.AckFloor.Stream) < r.progress.committable {
			o.Committed = max(o.Committed, o.End) // the rest of the stream is of other subjects
		}
	}
	return o, nil
}

// checkSettable refuses a place at which the server does not let the consumer begin: none to before where it once
// began, and to make it anew would drop from the stream what no other consumer wants.
func (r *reader) checkSettable(ctx context.Context, o offset, next uint64) error {
	if !o.exists || o.stream.Retention == jetstream.LimitsPolicy {
		return nil
	}
	before := next < o.config.OptStartSeq
	if at := o.config.OptStartTime; at != nil {
		stream, err := r.conn.JetStream().Stream(ctx, r.partition.stream)
		if err != nil {
			return fmt.Errorf("look at the stream: %w", err)
		}
		m, err := stream.GetMsg(ctx, next, jetstream.WithGetMsgSubject(">"))
		if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
			return fmt.Errorf("look at the message from which to read: %w", err)
		}
		before = err == nil && m.Time.Before(*at)
	}
	if before {
		return errors.New("its retention keeps only what consumers want, so reading cannot be set to before where it once began")
	}
	return nil
}

// setOffset sets the checkpoint and then the consumer. The checkpoint comes first, because it fences: whoever gains
// the pin in between goes by it, and a reader that began after o was seen makes its write fail.
func (r *reader) setOffset(ctx context.Context, o offset, next uint64) error {
	if err := r.setCheckpoint(ctx, o, next); err != nil {
		return err
	}
	if err := r.setConsumer(ctx, o, next); err != nil {
		return fmt.Errorf("the bridge's checkpoint is set to %d, but the server's consumer may not be: %w: run the command again to complete it", next, err)
	}
	return nil
}

// setConsumer sets the consumer, or makes it at that place. The server sets none to before the place at which it once
// began: then it is made anew.
func (r *reader) setConsumer(ctx context.Context, o offset, next uint64) error {
	if o.exists {
		_, err := r.conn.JetStream().ResetConsumerToSequence(ctx, r.partition.stream, r.partition.durable, next)
		if err == nil {
			return nil
		}
		if !errors.Is(err, jetstream.ErrConsumerInvalidReset) || o.stream.Retention != jetstream.LimitsPolicy {
			return fmt.Errorf("set the consumer: %w", err)
		}
		if err := r.conn.JetStream().DeleteConsumer(ctx, r.partition.stream, r.partition.durable); err != nil {
			return fmt.Errorf("delete the consumer: %w", err)
		}
	}
	cfg := r.consumerConfig()
	cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, next
	if _, err := r.conn.JetStream().CreateConsumer(ctx, r.partition.stream, cfg); err != nil {
		return fmt.Errorf("make the consumer at %d: %w", next, err)
	}
	return nil
}

// setCheckpoint stores the place, and with it that what a reader remembers is void, and so is the floor that the
// server has now.
func (r *reader) setCheckpoint(ctx context.Context, o offset, next uint64) error {
	if err := r.checkpoints.ensure(ctx, o.stream.Replicas); err != nil {
		return fmt.Errorf("nothing of it is changed: %w", err)
	}
	set := checkpoint{Stream: r.partition.stream, Durable: r.partition.durable, Created: r.streamCreated, Sets: o.sets + 1, IgnoredFloor: o.ackFloor}
	set.setAcked(int64(next), nil)
	err := r.checkpoints.write(ctx, &set)
	if errors.Is(err, errFenced) {
		return ErrStreamRead
	}
	if err != nil {
		return fmt.Errorf("the consumer is not changed, and whether the bridge's checkpoint is set to %d is not known: %w: run the command again", next, err)
	}
	return nil
}

// peekCheckpoint learns how far was read, and changes nothing. It returns what is stored, nil where nothing is.
func (r *reader) peekCheckpoint(ctx context.Context, info *jetstream.StreamInfo) (*checkpoint, error) {
	r.streamCreated = info.Created
	if there, err := r.checkpoints.open(ctx); !there || err != nil {
		return nil, err
	}
	stored, err := r.checkpoints.load(ctx)
	if err != nil {
		return nil, err
	}
	r.mergeCheckpoint(info, stored)
	return stored, nil
}
