package jetstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/consumer"
)

// ErrStreamRead is the error of SetOffsets while a replica reads a stream.
var ErrStreamRead = errors.New("a replica of the bridge reads the stream: " +
	"stop every replica first, and after a crash wait ten seconds")

// SetOffsets makes reading go on at the given sequences, which the streams must have or give next. While a replica
// reads one of the streams the error is ErrStreamRead, and nothing has been changed. Any other error says what has
// been changed. SetOffsets with the same changes then completes them.
func SetOffsets(ctx context.Context, conn *broker.NATS, config Config, changes []consumer.OffsetChange) error {
	settings, err := checkChanges(ctx, conn, config, changes)
	if err != nil {
		return err
	}
	var set []string
	for _, s := range settings {
		err := s.r.setOffset(ctx, s.now, s.next)
		switch {
		case err == nil:
			set = append(set, s.r.partition.String())
		case len(set) > 0:
			return &partlySetError{set: set, err: fmt.Errorf("stream %s: %w", &s.r.partition, err)}
		default:
			return fmt.Errorf("stream %s: %w", &s.r.partition, err)
		}
	}
	return nil
}

// offsetSetting is one change that SetOffsets is about to make.
type offsetSetting struct {
	r    *reader
	now  offsetState
	next uint64
}

// checkChanges refuses changes that cannot be made, all at once.
func checkChanges(
	ctx context.Context, conn *broker.NATS, config Config, changes []consumer.OffsetChange,
) ([]offsetSetting, error) {
	var readers []*reader
	for _, p := range config.partitions() {
		readers = append(readers, newReader(conn, config, p, zap.NewNop()))
	}
	var settings []offsetSetting
	var errs []error
	for _, c := range changes {
		i := slices.IndexFunc(readers, func(r *reader) bool {
			return r.partition.stream == c.Topic && r.partition.index == c.Partition
		})
		if i < 0 {
			errs = append(errs, fmt.Errorf("%s/%d: is not among the configured streams", c.Topic, c.Partition))
			continue
		}
		r := readers[i]
		now, err := r.checkChange(ctx, c)
		if err != nil {
			errs = append(errs, fmt.Errorf("stream %s: %w", &r.partition, err))
		}
		settings = append(settings, offsetSetting{r, now, uint64(c.Offset)})
	}
	return settings, errors.Join(errs...)
}

// checkChange refuses a change that cannot be made, and returns where the bridge stands.
func (r *reader) checkChange(ctx context.Context, c consumer.OffsetChange) (offsetState, error) {
	o, err := r.readOffset(ctx)
	switch {
	case err != nil:
		return o, err
	case o.pinned:
		return o, ErrStreamRead
	case c.Offset < o.Start || c.Offset > o.End:
		return o, fmt.Errorf("offset %d is outside of the stream: give %d to %d, "+
			"where the last means what comes from now on", c.Offset, o.Start, o.End)
	}
	return o, r.checkSettable(ctx, o, uint64(c.Offset))
}

// partlySetError says that some streams are set and one is not. It does not unwrap, because ErrStreamRead says that
// nothing has been changed.
type partlySetError struct {
	set []string
	err error
}

func (e *partlySetError) Error() string {
	return fmt.Sprintf("%v; already set: %s: run the command again to set the rest", e.err, strings.Join(e.set, ", "))
}

// checkSettable refuses a place at which the server does not let the consumer begin. It cannot be reset to before the
// place where it once began. To make it anew is no way out for a stream that drops what no consumer wants.
func (r *reader) checkSettable(ctx context.Context, o offsetState, next uint64) error {
	if o.consumer == nil || o.stream.Retention == jetstream.LimitsPolicy {
		return nil
	}
	before := next < o.consumer.Config.OptStartSeq
	if at := o.consumer.Config.OptStartTime; at != nil {
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
		return errors.New("its retention keeps only what consumers want, " +
			"so reading cannot be set to before where it once began")
	}
	return nil
}

// setOffset sets the checkpoint and then the consumer. The checkpoint comes first, because it fences: a reader that
// gets the pin in between goes by it, and the write fails if a reader has begun since o was read.
func (r *reader) setOffset(ctx context.Context, o offsetState, next uint64) error {
	if err := r.setCheckpoint(ctx, o, next); err != nil {
		return err
	}
	if err := r.setConsumer(ctx, o, next); err != nil {
		return fmt.Errorf("the bridge's checkpoint is set to %d, but the server's consumer may not be: %w: "+
			"run the command again to complete it", next, err)
	}
	return nil
}

// setConsumer resets the consumer, or makes it at that place. The server does not reset it to before the place where
// it once began. Then it is deleted and made anew.
func (r *reader) setConsumer(ctx context.Context, o offsetState, next uint64) error {
	if o.consumer != nil {
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

// setCheckpoint stores the place. The checkpoint also says that what a reader knows from before is void, and that the
// ack floor that the server has now is to be ignored.
func (r *reader) setCheckpoint(ctx context.Context, o offsetState, next uint64) error {
	if err := r.checkpoints.ensure(ctx, o.stream.Replicas); err != nil {
		return fmt.Errorf("nothing of it is changed: %w", err)
	}
	set := checkpoint{
		Stream: r.partition.stream, Durable: r.partition.durable, Created: r.streamCreated,
		Sets: o.sets + 1, IgnoredFloor: o.ackFloor,
	}
	set.setAcked(int64(next), nil)
	err := r.checkpoints.write(ctx, &set)
	if errors.Is(err, errFenced) {
		return ErrStreamRead
	}
	if err != nil {
		return fmt.Errorf("the consumer is not changed, "+
			"and whether the bridge's checkpoint is set to %d is not known: %w: run the command again", next, err)
	}
	return nil
}
