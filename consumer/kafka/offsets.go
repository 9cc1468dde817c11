package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/broker/kafkagroup"
	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/internal/retry"
)

// ErrGroupRunning is the error of SetOffsets while the group has members.
var ErrGroupRunning = errors.New("the consumer group has members: stop every replica of the bridge first")

// Offsets reads where the group stands on every partition of the topics that are read, in the order of topics and
// partitions. It does not join the group and changes nothing.
func Offsets(ctx context.Context, k *broker.Kafka, config Config) ([]consumer.OffsetInfo, error) {
	found, err := positions(ctx, k, config, consumer.StartAt{})
	out := make([]consumer.OffsetInfo, len(found))
	for i := range found {
		out[i] = found[i].OffsetInfo
	}
	return out, err
}

// Ahead is what the group would read next of every partition of the topics that are read, up to the end of its log, in
// the order of topics and partitions. It does not join the group and changes nothing.
func Ahead(ctx context.Context, k *broker.Kafka, config Config) ([]consumer.Extent, error) {
	startAt, err := consumer.ParseStartAt(config.StartAt)
	if err != nil {
		return nil, fmt.Errorf("start_at: %w", err)
	}
	found, err := positions(ctx, k, config, startAt)
	out := make([]consumer.Extent, len(found))
	for i, p := range found {
		out[i] = consumer.Extent{Topic: p.Topic, Partition: p.Partition, From: min(p.next, p.End), End: p.End}
	}
	return out, err
}

// position is how far a partition is read, and what the group would read next.
type position struct {
	consumer.OffsetInfo
	next int64
}

// positions asks where the group stands. StartAt says where it would begin where nothing is committed.
func positions(ctx context.Context, k *broker.Kafka, config Config, startAt consumer.StartAt) ([]position, error) {
	c := &cluster{kafka: k}
	defer c.close()
	m := newMember(&config, c)
	defer m.close()
	counts, byBroker, err := c.read(ctx, &config)
	if err != nil {
		return nil, err
	}
	var done map[partitionKey]checkpoint
	err = untilCoordinated(ctx, func() (err error) { done, err = m.checkpoints(ctx, counts); return })
	if err != nil && !errors.Is(err, kafka.GroupIdNotFound) { // a group that does not exist has committed nothing
		return nil, err
	}
	var out []position
	for addr, keys := range byBroker {
		found, err := boundsOf(ctx, k, addr, keys, startAt)
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			if code := found[key].code; code != 0 {
				return nil, fmt.Errorf("list offsets of %s: %w", key, code)
			}
			p := position{consumer.OffsetInfo{Topic: key.topic, Partition: key.id, Committed: -1,
				Start: found[key].start, End: found[key].end}, found[key].startAt}
			if c, ok := done[key]; ok {
				p.Committed, p.Done, p.Gone = c.offset, c.acked.Count(), c.acked.CountWithin(c.offset, p.Start)
			}
			if p.Committed >= 0 || addedLater(key, done) {
				p.next = max(p.Committed, p.Start)
			}
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b position) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return out, nil
}

func boundsOf(ctx context.Context, k *broker.Kafka, addr string, keys []partitionKey, startAt consumer.StartAt) (
	map[partitionKey]bounds, error,
) {
	conn, err := k.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return listBounds(ctx, conn, keys, startAt)
}

// SetOffsets commits offsets for the group from outside. Kafka allows that only while the group has no members; the
// error is then ErrGroupRunning, and nothing has been changed. Every offset has to lie within its log, ends included.
func SetOffsets(ctx context.Context, k *broker.Kafka, config Config, changes []consumer.OffsetChange) error {
	now, err := Offsets(ctx, k, config)
	if err != nil {
		return err
	}
	counts := map[string]int{}
	for _, o := range now {
		counts[o.Topic]++
	}
	offsets := map[partitionKey]checkpoint{}
	var errs []error
	for _, change := range changes {
		key := partitionKey{change.Topic, change.Partition}
		i := slices.IndexFunc(now, func(o consumer.OffsetInfo) bool {
			return o.Topic == key.topic &&
				o.Partition == key.id
		})
		switch {
		case i < 0:
			errs = append(errs, fmt.Errorf("%s: is not one of the group's partitions", key))
		case change.Offset < now[i].Start || change.Offset > now[i].End:
			errs = append(errs, fmt.Errorf("%s: offset %d is outside of the log, which goes from %d to %d", key,
				change.Offset, now[i].Start, now[i].End))
		default:
			offsets[key] = checkpoint{offset: change.Offset, partitions: counts[key.topic]}
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	c := &cluster{kafka: k}
	defer c.close()
	m := newMember(&config, c)
	defer m.close()
	err = untilCoordinated(ctx, func() error { return m.commit(ctx, outside, offsets, maxMetadata) })
	if kafkagroup.Expelled(err) || errors.Is(err, kafka.RebalanceInProgress) {
		return ErrGroupRunning
	}
	return err
}

// untilCoordinated repeats a request to the group's coordinator while there is none: a fresh cluster has none until it
// is asked for it, and it moves when brokers come and go.
func untilCoordinated(ctx context.Context, try func() error) error {
	moves := retry.Policy{First: commitEvery, Longest: commitEvery, Exact: true, Passing: func(err error) bool {
		return errors.Is(err, kafka.GroupCoordinatorNotAvailable) || errors.Is(err, kafka.NotCoordinatorForGroup) ||
			errors.Is(err, kafka.GroupLoadInProgress)
	}}
	return retry.Do(ctx, moves, func(context.Context) error { return try() })
}
