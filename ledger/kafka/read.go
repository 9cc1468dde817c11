package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/ledger"
)

const (
	fetchBytes = 1 << 20 // of one fetch; a larger batch comes whole
	fetchWait  = 500 * time.Millisecond
)

// readAll reads the partition to the end that stands now.
func (s *Store) readAll(ctx context.Context) error {
	s.mu.Lock()
	read := s.next
	s.mu.Unlock()
	_, end, err := s.bounds(ctx)
	switch {
	case err != nil:
		return err
	case end < read:
		return s.errLost()
	}
	return s.readTo(ctx, end)
}

// readTo reads the partition up to an offset that is there, unless another caller has done so.
func (s *Store) readTo(ctx context.Context, end int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next < 0 {
		first, _, err := s.bounds(ctx)
		if err != nil {
			return err
		}
		s.next = first
	}
	for s.next < end {
		next, err := s.fetch(ctx, s.next)
		if errors.Is(err, kafka.OffsetOutOfRange) {
			next, err = s.restart(ctx)
		}
		if err != nil {
			return err
		}
		s.next = next
	}
	return nil
}

// restart is the offset to read from where the one that comes next is not in the log: its first, because retention has
// taken what was there, or because the topic was made again.
func (s *Store) restart(ctx context.Context) (int64, error) {
	first, end, err := s.bounds(ctx)
	if err == nil && s.next > end {
		return 0, s.errLost()
	}
	return first, err
}

// bounds are the first offset of the partition and the one after its last.
func (s *Store) bounds(ctx context.Context) (first, end int64, err error) {
	res, err := s.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{
		s.topic: {kafka.FirstOffsetOf(partition), kafka.LastOffsetOf(partition)},
	}})
	if err != nil {
		return 0, 0, err
	}
	for _, p := range res.Topics[s.topic] {
		if p.Partition == partition {
			return p.FirstOffset, p.LastOffset, p.Error
		}
	}
	return 0, 0, kafka.UnknownTopicOrPartition
}

// fetch takes the records of one fetch into account, and gives the offset behind them. The caller holds mu.
func (s *Store) fetch(ctx context.Context, from int64) (next int64, err error) {
	defer func() {
		if p := recover(); p != nil { // kafka-go panics on some damaged batches: its issue 1438
			err = fmt.Errorf("decode the batch at offset %d: %v", from, p)
		}
	}()
	res, err := s.client.Fetch(ctx, &kafka.FetchRequest{
		Topic: s.topic, Partition: partition, Offset: from, MinBytes: 1, MaxBytes: fetchBytes, MaxWait: fetchWait,
		IsolationLevel: kafka.ReadUncommitted,
	})
	if err != nil {
		return 0, err
	}
	if closer, ok := res.Records.(io.Closer); ok {
		defer closer.Close()
	}
	if res.Error != nil {
		return 0, res.Error
	}
	now := time.Now()
	for next = from; ; {
		r, err := res.Records.ReadRecord()
		switch {
		case errors.Is(err, io.EOF) && next == from && res.HighWatermark > from:
			return from + 1, nil // what stood there is compacted away, and its batch is empty
		case errors.Is(err, io.EOF):
			return next, nil
		case err != nil:
			return 0, err
		case r.Offset >= from:
			if err := s.apply(r, now); err != nil {
				return 0, err
			}
			next = r.Offset + 1
		}
	}
}

// apply takes a record into account. What is no record of a ledger is passed by.
func (s *Store) apply(r *kafka.Record, now time.Time) error {
	key, err := kafka.ReadAll(r.Key)
	if err != nil {
		return err
	}
	value, err := kafka.ReadAll(r.Value)
	if err != nil {
		return err
	}
	id, err := idOf(key)
	if err != nil {
		return nil //nolint:nilerr // somebody else's
	}
	if _, record, err := ledger.Decode(value); err == nil {
		s.table.Apply(id, record, now)
	}
	return nil
}
