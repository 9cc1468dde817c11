package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/internal/kafkatopic"
)

// Remove removes records for good. Kafka takes away only all that stands before an offset. So of each partition the
// records that stay are written again at its end, up to the last one that goes, and when all in-sync replicas have
// them, everything up to there is taken away. A record that was moved keeps its place in the order of the others.
func (k *Store) Remove(ctx context.Context, records ...deadletter.Seen) error {
	starts, err := k.bounds(ctx, kafka.FirstOffset)
	if err != nil {
		return fmt.Errorf("remove: topic %s: %w", k.topic, k.withAddresses(ctx, err))
	}
	if len(records) == 0 { // tells whether it may be done
		return k.deleteBefore(ctx, 0, starts[0])
	}
	gone := map[int32]removed{}
	for _, r := range records {
		if gone[r.At.Partition] == nil {
			gone[r.At.Partition] = removed{}
		}
		gone[r.At.Partition][r.At.Written()] = r.Time
	}
	defer func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		clear(k.fetched)
	}()
	for _, partition := range slices.Sorted(maps.Keys(gone)) {
		if int(partition) >= len(starts) {
			continue
		}
		if err := k.removeFrom(ctx, int(partition), starts[partition], gone[partition]); err != nil {
			return err
		}
	}
	return nil
}

// removed are the records of a partition that go: when each was written, by where.
type removed map[int64]time.Time

func (r removed) has(record *deadletter.Record) bool {
	at, ok := r[record.Position.Written()]
	return ok && at.Equal(record.Time)
}

// copied is a moved record: where it stands, and what it is.
type copied struct {
	at     int64
	digest uint64
}

// removeFrom removes records from a partition.
func (k *Store) removeFrom(ctx context.Context, partition int, first int64, gone removed) error {
	ends, err := k.bounds(ctx, kafka.LastOffset)
	if err != nil {
		return fmt.Errorf("remove: topic %s: %w", k.topic, kafkaError(ctx, err))
	}
	if partition >= len(ends) {
		return nil
	}
	// A purge that died may have left a record at two places. All of one that goes are gone, and the last one stays of
	// one that stays.
	before, last := int64(0), map[int64]copied{}
	err = k.walkOn(ctx, partition, first, ends[partition], func(r deadletter.Record) error {
		if gone.has(&r) {
			before = r.Position.Offset + 1
		}
		if r.Position.Shift > 0 {
			last[r.Position.Written()] = copied{r.Position.Offset, digestOf(&r)}
		}
		return nil
	})
	if err != nil || before == 0 {
		return err
	}
	var staying []deadletter.Record
	size := 0
	err = k.walkOn(ctx, partition, first, before, func(r deadletter.Record) (err error) {
		its := last[r.Position.Written()]
		if gone.has(&r) || its.at > r.Position.Offset && its.digest == digestOf(&r) {
			return nil
		}
		if len(staying) > 0 && size+r.Size() > k.cfg.MaxBytes {
			err = k.move(ctx, partition, staying)
			staying, size = nil, 0
		}
		staying, size = append(staying, r), size+r.Size()
		return err
	})
	if err == nil {
		err = k.move(ctx, partition, staying)
	}
	if err != nil {
		return err
	}
	return k.deleteBefore(ctx, partition, before)
}

// walkOn is walk, but for what retention takes away meanwhile, which is left out.
func (k *Store) walkOn(
	ctx context.Context, partition int, from, end int64, each func(deadletter.Record) error,
) error {
	for {
		err := k.walk(ctx, partition, from, end, each)
		var gap *gapError
		if !errors.As(err, &gap) {
			return err
		}
		from = gap.to
	}
}

// move writes records again at the end of their partition.
func (k *Store) move(ctx context.Context, partition int, records []deadletter.Record) error {
	moved := make([]deadletter.Record, len(records))
	for i, r := range records {
		moved[i] = r
		moved[i].Headers = append(slices.Clip(r.Headers), moveMark(&r))
	}
	for len(moved) > 0 {
		n := len(moved)
		err := k.sendAgain(ctx, partition, moved)
		if kafkatopic.IsTooLarge(err) && n > 1 {
			n = 1
			err = k.sendAgain(ctx, partition, moved[:n])
		}
		if kafkatopic.IsTooLarge(err) {
			return fmt.Errorf("remove: topic %s: %w: the record at %s cannot be written again with %d bytes more, so "+
				"that nothing was removed: raise max.message.bytes of the topic", k.topic, deadletter.ErrTooLarge,
				moved[0].Position, maxMark)
		}
		if err != nil {
			return fmt.Errorf("remove: write again: topic %s: %w", k.topic, kafkaError(ctx, err))
		}
		moved = moved[n:]
	}
	return nil
}

// sendAgain sends records, again for a while where a broker does not answer: that one is there twice harms nobody.
func (k *Store) sendAgain(ctx context.Context, partition int, records []deadletter.Record) error {
	var tooLarge error
	err := k.retry(ctx, func(ctx context.Context) error {
		err := k.send(ctx, partition, records)
		if kafkatopic.IsTooLarge(err) {
			tooLarge, err = err, nil
		}
		return err
	})
	return errors.Join(tooLarge, err)
}

// deleteBefore takes away what stands before an offset, unless that is gone already.
func (k *Store) deleteBefore(ctx context.Context, partition int, offset int64) error {
	var keeps error
	err := k.retry(ctx, func(ctx context.Context) error {
		err := kafkatopic.DeleteBefore(ctx, k.client, k.topic, partition, offset)
		if kafkatopic.KeepsAll(err) {
			keeps, err = err, nil
		}
		return err
	})
	switch {
	case keeps != nil:
		return fmt.Errorf("%w: the cluster takes nothing of topic %s away before its time: keep its retention short "+
			"(dead_letters.retention): %w", deadletter.ErrKeeps, k.topic, keeps)
	case err == nil, errors.Is(err, kafka.OffsetOutOfRange): // retention was faster
		return nil
	case kafkatopic.IsDenied(err):
		err = fmt.Errorf("the operation Delete on the topic is needed: %w", err)
	}
	return fmt.Errorf("remove: topic %s partition %d: %w", k.topic, partition, kafkaError(ctx, err))
}
