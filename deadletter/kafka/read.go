package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/kafkatopic"
	"github.com/ciobridge/ciobridge/internal/retry"
)

const (
	fetchWait = 2 * time.Second
	readLimit = 15 * time.Second       // of all tries at one read, whether a broker refuses or is silent
	readPause = 200 * time.Millisecond // doubled after each try
)

// Scan gives each the records of every partition up to the high watermark that stood when it began. It tries again when
// a broker does not answer. What retention takes away meanwhile is left out.
func (k *Store) Scan(ctx context.Context, each func(deadletter.Record) error) error {
	// The starts come first: what a purge moves meanwhile then stands before the ends.
	starts, err := k.bounds(ctx, kafka.FirstOffset)
	if err != nil {
		return fmt.Errorf("scan: topic %s: %w", k.topic, k.withAddresses(ctx, err))
	}
	ends, err := k.bounds(ctx, kafka.LastOffset)
	if err != nil {
		return fmt.Errorf("scan: topic %s: %w", k.topic, k.withAddresses(ctx, err))
	}
	for p := range min(len(starts), len(ends)) {
		if err := k.scanPartition(ctx, p, starts[p], ends[p], each); err != nil {
			return err
		}
	}
	return nil
}

// walk gives each the records of a partition that stand between two offsets, as they stand there. It ends with a
// gapError where they are taken away before it comes to them, and with the first error of each.
func (k *Store) walk(
	ctx context.Context, partition int, from, end int64, each func(deadletter.Record) error,
) error {
	for from < end {
		records, err := k.fetch(ctx, partition, from, true)
		if errors.Is(err, kafka.OffsetOutOfRange) {
			starts, errStarts := k.bounds(ctx, kafka.FirstOffset)
			if errStarts == nil && partition < len(starts) && starts[partition] > from {
				return &gapError{starts[partition]}
			}
			err = errors.Join(err, errStarts)
		}
		if err != nil {
			return fmt.Errorf("read on: topic %s partition %d: %w", k.topic, partition, kafkaError(ctx, err))
		}
		// The offsets of a batch that compaction or a transaction has emptied bring nothing and are stepped over.
		next := from + 1
		for _, r := range records {
			if r.Position.Offset >= end {
				return nil
			}
			if err := each(r); err != nil {
				return err
			}
			next = r.Position.Offset + 1
		}
		from = next
	}
	return nil
}

// Read fetches the record. The records that come with it are kept for the next call.
func (k *Store) Read(ctx context.Context, at deadletter.Position) (deadletter.Record, error) {
	if r, ok := k.fetchedAt(at); ok {
		return r, nil
	}
	records, err := k.fetch(ctx, int(at.Partition), at.Offset, false)
	if errors.Is(err, kafka.OffsetOutOfRange) {
		err = fmt.Errorf("%w: %w", deadletter.ErrGone, err)
	}
	if err != nil {
		return deadletter.Record{}, fmt.Errorf("read: topic %s at %s: %w", k.topic, at, kafkaError(ctx, err))
	}
	k.mu.Lock()
	k.fetched[at.Partition] = records
	k.mu.Unlock()
	if r, ok := k.fetchedAt(at); ok {
		return r, nil
	}
	return deadletter.Record{}, fmt.Errorf("read: topic %s at %s: %w", k.topic, at, deadletter.ErrGone)
}

func (k *Store) fetchedAt(at deadletter.Position) (deadletter.Record, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	records := k.fetched[at.Partition]
	i, ok := slices.BinarySearchFunc(records, at.Offset, func(r deadletter.Record, offset int64) int {
		return int(min(max(r.Position.Offset-offset, -1), 1))
	})
	if !ok {
		return deadletter.Record{}, false
	}
	return records[i], true
}

// bounds lists the first or the last offset of every partition.
func (k *Store) bounds(ctx context.Context, which int64) ([]int64, error) {
	var offsets []int64
	err := k.retry(ctx, func(ctx context.Context) error {
		topic, err := k.describe(ctx)
		if err != nil {
			return err
		}
		offsets = make([]int64, len(topic.Partitions))
		requests := make([]kafka.OffsetRequest, len(topic.Partitions))
		for i := range requests {
			requests[i] = kafka.OffsetRequest{Partition: i, Timestamp: which}
		}
		topics := map[string][]kafka.OffsetRequest{k.topic: requests}
		res, err := k.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: topics})
		if err != nil {
			return err
		}
		answered := 0
		for _, p := range res.Topics[k.topic] {
			if p.Error != nil {
				return p.Error
			}
			if p.Partition < 0 || p.Partition >= len(offsets) {
				continue
			}
			answered++
			offsets[p.Partition] = p.LastOffset
			if which == kafka.FirstOffset {
				offsets[p.Partition] = p.FirstOffset
			}
		}
		if answered != len(offsets) {
			return kafka.UnknownTopicOrPartition
		}
		return nil
	})
	return offsets, err
}

// fetch returns the records of one fetch from an offset on, none where the next records are markers or compacted away.
// Something stands there says that the log goes further than the offset.
func (k *Store) fetch(ctx context.Context, partition int, offset int64, somethingStandsThere bool) (
	records []deadletter.Record, err error,
) {
	err = k.retry(ctx, func(ctx context.Context) error {
		var next int64
		records, next, err = k.fetchOnce(ctx, partition, offset)
		if err == nil && next == offset && somethingStandsThere {
			return kafkatopic.ErrHidden
		}
		return err
	})
	return records, err
}

func (k *Store) fetchOnce(ctx context.Context, partition int, offset int64) (
	records []deadletter.Record, next int64, err error,
) {
	next, err = kafkatopic.Fetch(ctx, k.client, k.topic, partition, offset, fetchWait, func(r *kafka.Record) error {
		record, err := ownRecord(int32(partition), r)
		records = append(records, k.sealer.Open(record))
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	return records, next, nil
}

// ownRecord copies a record out of the buffers of the client.
func ownRecord(partition int32, r *kafka.Record) (deadletter.Record, error) {
	key, value, err := kafkatopic.Content(r)
	if err != nil {
		return deadletter.Record{}, err
	}
	headers := make([]event.Header, len(r.Headers))
	for i, h := range r.Headers {
		headers[i] = event.Header{Key: h.Key, Value: slices.Clone(h.Value)}
	}
	own := deadletter.Record{
		Position: deadletter.Position{Partition: partition, Offset: r.Offset},
		Time:     r.Time, Key: key, Value: value, Headers: headers,
	}
	readMark(&own)
	return own, nil
}

// retry tries a read again for as long as readLimit, unless the error is one that lasts.
func (k *Store) retry(ctx context.Context, try func(context.Context) error) error {
	again := retry.Policy{
		First: readPause, Longest: 2 * time.Second, Growth: 2, Exact: true, Limit: readLimit,
		Passing: func(err error) bool {
			known := kafkaError(ctx, err)
			return !errors.Is(err, kafka.OffsetOutOfRange) && !errors.Is(known, deadletter.ErrDenied) &&
				!errors.Is(known, deadletter.ErrMissing)
		},
	}
	return retry.Do(ctx, again, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, readLimit)
		defer cancel()
		return try(ctx)
	})
}
