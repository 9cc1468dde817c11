package kafka

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
)

// maxMark is more than the mark of a moved record takes.
const maxMark = 80

// moveMark is the last header of a record that is written again: the offset and the time at which it was first written.
func moveMark(r *deadletter.Record) event.Header {
	return event.Header{
		Key: deadletter.HeaderMoved, Value: fmt.Appendf(nil, "%d %d", r.Position.Written(), r.Time.UnixMilli()),
	}
}

// readMark takes the mark off a record that was moved, which is then as it was, but for its place.
func readMark(r *deadletter.Record) {
	last := len(r.Headers) - 1
	if last < 0 || r.Headers[last].Key != deadletter.HeaderMoved {
		return
	}
	var offset, millis int64
	n, err := fmt.Sscanf(string(r.Headers[last].Value), "%d %d", &offset, &millis)
	if n != 2 || err != nil || offset < 0 || offset >= r.Position.Offset {
		return
	}
	r.Headers = r.Headers[:last]
	r.Position.Shift = r.Position.Offset - offset
	r.Time = time.UnixMilli(millis)
}

// scanPartition gives each record of a partition once. Where records are taken away before they were read, a purge may
// have moved them behind the end, so that it reads on to the end that stands then.
func (k *Store) scanPartition(
	ctx context.Context, partition int, from, end int64, each func(deadletter.Record) error,
) error {
	p := &passage{first: from, moved: map[int64]uint64{}}
	for from < end {
		err := k.walk(ctx, partition, from, end, func(r deadletter.Record) error {
			from = r.Position.Offset + 1
			if isNew, err := k.isNew(ctx, p, &r); err != nil || !isNew {
				return err
			}
			return each(r)
		})
		var gap *gapError
		if !errors.As(err, &gap) {
			return err
		}
		ends, err := k.bounds(ctx, kafka.LastOffset)
		if err != nil {
			return fmt.Errorf("scan: topic %s: %w", k.topic, kafkaError(ctx, err))
		}
		p.lost(from, gap.to)
		from = gap.to
		if partition < len(ends) {
			end = ends[partition]
		}
	}
	return nil
}

// gapError says that what comes next was taken away, and what comes after that.
type gapError struct{ to int64 }

func (g *gapError) Error() string { return fmt.Sprintf("records before %d were taken away", g.to) }

// passage is the way of a scan through a partition.
type passage struct {
	first            int64            // where it began
	lostFrom, lostTo int64            // what was taken away before it came there
	moved            map[int64]uint64 // what it has met of moved records, by where they were first written
}

// lost notes that nothing stands between two offsets any more.
func (p *passage) lost(from, to int64) {
	if p.lostTo == 0 {
		p.lostFrom = from
	}
	p.lostTo = to
}

// isNew reports whether a scan has not given a record yet: a purge that was killed leaves some at two places. That they
// are the same is looked at, because whoever copies the topic copies marks that mean another one.
func (k *Store) isNew(ctx context.Context, p *passage, r *deadletter.Record) (bool, error) {
	if r.Position.Shift == 0 {
		return true, nil
	}
	written, digest := r.Position.Written(), digestOf(r)
	before, met := p.moved[written]
	p.moved[written] = digest
	if met {
		return before != digest, nil
	}
	if written < p.first || written >= p.lostFrom && written < p.lostTo {
		return true, nil
	}
	first, err := k.Read(ctx, deadletter.Position{Partition: r.Position.Partition, Offset: written})
	if errors.Is(err, deadletter.ErrGone) { // it was there when the scan came by
		return false, nil
	}
	return err == nil && digestOf(&first) != digest, err
}

var digestSeed = maphash.MakeSeed()

// digestOf tells records apart by all but their place.
func digestOf(r *deadletter.Record) uint64 {
	var h maphash.Hash
	h.SetSeed(digestSeed)
	part := func(b []byte) {
		maphash.WriteComparable(&h, len(b))
		_, _ = h.Write(b) // never fails
	}
	maphash.WriteComparable(&h, r.Time.UnixMilli())
	part(r.Key)
	part(r.Value)
	for _, header := range r.Headers {
		part([]byte(header.Key))
		part(header.Value)
	}
	return h.Sum64()
}
