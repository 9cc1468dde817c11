package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/internal/kafkatopic"
	"github.com/ciobridge/ciobridge/internal/retry"
)

const (
	replicaPause = 100 * time.Millisecond
	replicaLimit = 10 * time.Second // within which replicas get what the leader has, or a new leader is known
)

// errUnreplicated says that more will be shown later, so that what is shown now proves nothing.
var errUnreplicated = errors.New("the leader has records that its replicas lack")

// endOf is the end of a partition once all that the leader has is shown. A record that one was told is not on enough
// replicas stays with the leader, and is shown when they have it.
func endOf(ctx context.Context, client *kafka.Client, topic string, partition int) (end int64, err error) {
	again := retry.Policy{First: replicaPause, Longest: replicaPause, Exact: true, Limit: replicaLimit,
		Passing: func(err error) bool {
			return errors.Is(err, errUnreplicated) || errors.Is(err, kafka.FencedLeaderEpoch) ||
				errors.Is(err, kafka.UnknownLeaderEpoch) || errors.Is(err, kafka.NotLeaderForPartition)
		},
	}
	err = retry.Do(ctx, again, func(ctx context.Context) error {
		all, err := kafkatopic.LogEnd(ctx, client, topic, partition)
		if err != nil && !errors.Is(err, kafkatopic.ErrUnknownEnd) {
			return err
		}
		if _, end, err = kafkatopic.Bounds(ctx, client, topic, partition); err == nil && end < all {
			err = fmt.Errorf("%w: %d of them", errUnreplicated, all-end)
		}
		return err
	})
	return end, err
}

// readTo gives the records of a partition from an offset until the end that was found. What is no longer there is
// passed by.
func readTo(
	ctx context.Context, client *kafka.Client, topic string, partition int, next, end int64,
	each func(*kafka.Record) error,
) error {
	first, _, err := kafkatopic.Bounds(ctx, client, topic, partition)
	if err != nil {
		return err
	}
	for next = max(next, first); next < end; {
		last := next
		next, err = kafkatopic.Fetch(ctx, client, topic, partition, last, fetchWait, func(r *kafka.Record) error {
			if r.Offset >= end {
				return nil
			}
			return each(r)
		})
		if errors.Is(err, kafka.OffsetOutOfRange) { // retention took it meanwhile
			if first, _, err = kafkatopic.Bounds(ctx, client, topic, partition); err == nil && first <= last {
				err = kafka.OffsetOutOfRange
			}
			next = first
		}
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case next == last:
			return kafkatopic.ErrHidden
		}
	}
	return nil
}
