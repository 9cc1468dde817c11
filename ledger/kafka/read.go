package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/internal/kafkatopic"
	"github.com/ciobridge/ciobridge/ledger"
)

// fetchWait is how long a fetch waits where nothing is there.
const fetchWait = 500 * time.Millisecond

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
	return kafkatopic.Bounds(ctx, s.client, s.topic, partition)
}

// fetch takes the records of one fetch into account, and gives the offset behind them. The caller holds mu.
func (s *Store) fetch(ctx context.Context, from int64) (next int64, err error) {
	now := time.Now()
	return kafkatopic.Fetch(ctx, s.client, s.topic, partition, from, fetchWait, func(r *kafka.Record) error {
		return s.apply(r, now)
	})
}

// apply takes a record into account. What is no record of a ledger is passed by.
func (s *Store) apply(r *kafka.Record, now time.Time) error {
	key, value, err := kafkatopic.Content(r)
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
