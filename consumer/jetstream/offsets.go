package jetstream

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/consumer"
)

// Offsets reads where the bridge stands on the configured streams, in their order. Offsets are stream sequences. The
// partition is 0 where a stream has none. Offsets changes nothing. Where only some subjects are read, or newer
// messages replace older ones, nobody can say whether a message that is gone was wanted. Committed is then never
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

// offsetState is where the bridge stands on a partition, and what is known of the stream and its consumer.
type offsetState struct {
	consumer.OffsetInfo
	sets     int                     // of the checkpoint that is stored
	consumer *jetstream.ConsumerInfo // nil where there is none
	pinned   bool                    // a replica has the pin
	ackFloor uint64                  // the server's
	stream   jetstream.StreamConfig
}

// readOffset finds out where the bridge stands, and changes nothing.
func (r *reader) readOffset(ctx context.Context) (offsetState, error) {
	info, err := r.streamInfo(ctx)
	if err != nil {
		return offsetState{}, err
	}
	o := offsetState{stream: info.Config, OffsetInfo: consumer.OffsetInfo{
		Topic: r.partition.stream, Partition: r.partition.index,
		Committed: -1, Start: firstSeq(info), End: int64(info.State.LastSeq) + 1,
	}}
	stored, err := r.peekCheckpoint(ctx, info)
	if err != nil {
		return o, err
	}
	if stored != nil {
		o.sets = stored.Sets
	}
	found, err := r.conn.JetStream().Consumer(ctx, r.partition.stream, r.partition.durable)
	if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return o, fmt.Errorf("look at the consumer: %w", err)
	}
	if err == nil {
		o.consumer = found.CachedInfo()
		o.pinned, o.ackFloor = pinOf(o.consumer) != "", o.consumer.AckFloor.Stream
		if err := r.mergeAckFloor(ctx, info, o.ackFloor); err != nil {
			return o, err
		}
	}
	if r.progress.known() {
		o.setCommitted(&r.progress, r.dense(info))
	}
	return o, nil
}

// setCommitted puts in how far was read.
func (o *offsetState) setCommitted(p *progress, dense bool) {
	o.Committed = p.committable
	o.Done, o.Gone = p.acked.Count(), p.acked.CountWithin(o.Committed, o.Start)
	if dense {
		return
	}
	o.Committed = max(o.Committed, o.Start)
	if c := o.consumer; c != nil && c.NumPending == 0 && c.NumAckPending == 0 && int64(o.ackFloor) < p.committable {
		o.Committed = max(o.Committed, o.End) // the rest of the stream is of other subjects
	}
}

// peekCheckpoint merges the stored checkpoint into the progress and changes nothing on the server. It returns the
// checkpoint, nil where there is none.
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
