package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/consumer/kafka/wire"
	"github.com/ciobridge/ciobridge/event"
)

// worker hands over the messages of one partition, in order.
//
// It lives as long as its partition, and has a goroutine while there is a chunk: the fetcher starts it with one, and
// the worker takes the next from the partition until none waits. A record is tracked before it is handed over, and its
// done function acks it and releases its part of the chunk's memory. The worker stops early when its context or its
// lease ends, and ends the generation when the handler refuses a message otherwise.
type worker struct {
	p        *partition
	lease    *consumer.Lease
	handle   event.Handler
	limit    int   // of an unpacked batch
	position int64 // the next offset to hand over
	skipped  prometheus.Counter
	packed   wire.Decompressor
	names    wire.HeaderNames
	headers  []event.Header
	message  event.Message // that is being handed over
}

// startWorker starts the partition's worker with a chunk. It ends when there is nothing left to hand over. The caller
// holds p.mu.
func (g *generation) startWorker(ctx context.Context, p *partition, c *chunk) {
	p.working = true
	g.handing.Go(func() {
		if err := p.worker.run(ctx, c, g.handleDamage); err != nil {
			g.finish(&refusedError{err})
		}
	})
}

// run hands over a chunk, and those that have come meanwhile, until there is none, ctx ends or handle refuses a
// message. A damaged chunk is given to damaged.
func (w *worker) run(ctx context.Context, c *chunk,
	damaged func(p *partition, at int64, broken *wire.CorruptError)) error {
	for c != nil {
		if err := w.handOver(ctx, c); err != nil {
			var broken *wire.CorruptError
			switch {
			case errors.As(err, &broken):
				damaged(w.p, w.position, broken)
			case errors.Is(err, event.ErrTopicStopped):
				w.p.rest()
			case ctx.Err() != nil || w.lease.Err() != nil || errors.Is(err, consumer.ErrTrackerClosed):
				return nil
			default:
				return err
			}
		}
		w.message = event.Message{} // it points into the chunk
		c.fetcher.chunkDone()
		c = w.p.nextChunk() // after the last, another goroutine may begin
	}
	return nil
}

// handOver hands over what one fetch brought.
func (w *worker) handOver(ctx context.Context, c *chunk) error {
	defer c.set.Release()
	if !w.p.current(c.epoch) {
		return nil
	}
	w.position = max(w.position, c.from)
	aborts := wire.NewAbortFilter(c.aborted)
	now := time.Now()
	for b := c.set.Bytes; len(b) > 0; {
		h, err := wire.ReadBatchHeader(b)
		if errors.Is(err, wire.ErrTruncated) {
			return nil
		}
		if err != nil {
			return err
		}
		batch := b[:h.Size]
		b = b[h.Size:]
		if err := wire.VerifyChecksum(batch); err != nil {
			return withNextBatch(err, &h)
		}
		records := batch[wire.BatchHeaderSize:]
		if !aborts.Drops(&h, records) && h.Last() >= w.position {
			if err := w.handOverBatch(ctx, &h, records, c.set, now); err != nil {
				return withNextBatch(err, &h)
			}
		}
		w.position = max(w.position, h.Last()+1)
		w.p.tracker.Skip(w.position)
	}
	return nil
}

// withNextBatch notes in the error of a damaged batch where the next batch begins.
func withNextBatch(err error, h *wire.BatchHeader) error {
	var broken *wire.CorruptError
	if errors.As(err, &broken) {
		broken.After = h.Last() + 1
	}
	return err
}

// handOverBatch hands over the records of a batch that lies in the buffer from.
func (w *worker) handOverBatch(ctx context.Context, h *wire.BatchHeader, records []byte, from *consumer.Buffer,
	now time.Time) error {
	if h.Codec() != 0 {
		unpacked, err := w.unpack(ctx, h, records)
		if err != nil {
			return err
		}
		defer unpacked.Release()
		from, records = unpacked, unpacked.Bytes
	}
	var r wire.Record
	for reader := wire.NewRecordReader(h, records); ; {
		ok, err := reader.Next(&r)
		if !ok || err != nil {
			return err
		}
		if r.Offset < w.position {
			continue // brokers answer with the whole batch in which the offset lies
		}
		if err := w.handOverRecord(ctx, &r, from, now); err != nil {
			return err
		}
		w.position = r.Offset + 1
	}
}

// unpack decompresses a batch when the memory limiter has room.
func (w *worker) unpack(ctx context.Context, h *wire.BatchHeader, records []byte) (*consumer.Buffer, error) {
	memory := w.p.share.Fetching
	if err := memory.BeginUnpacking(ctx); err != nil {
		return nil, err
	}
	defer memory.EndUnpacking()
	b, err := w.packed.Decompress(h.Codec(), records, w.limit)
	if err != nil {
		return nil, err
	}
	b.Unpacked = true
	b.Charge(w.p.share)
	return b, nil
}

// handOverRecord hands over one record.
func (w *worker) handOverRecord(ctx context.Context, r *wire.Record, from *consumer.Buffer, now time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	tracker := w.p.tracker
	if tracker.AlreadyAcked(r.Offset) {
		return w.skipAcked(ctx, r.Offset, now)
	}
	m := &w.message
	*m = event.Message{
		Origin: event.Origin{Topic: w.p.key.topic, Partition: w.p.key.id, Offset: r.Offset},
		Key:    r.Key,
		Value:  r.Value,
	}
	if r.Time >= 0 {
		m.Time = time.UnixMilli(r.Time)
	}
	if r.HeaderCount > 0 {
		headers, err := w.decodeHeaders(r)
		if err != nil {
			return err
		}
		m.Headers = headers
	}
	ticket, err := tracker.Track(ctx, r.Offset, now)
	if err != nil {
		return err
	}
	from.Retain()
	err = w.handle(w.lease, m, func() {
		if tracker.Ack(ticket) {
			from.Release()
		}
	})
	if err != nil {
		from.Release() // it was not taken
	}
	return err
}

// skipAcked leaves out a record that was done before.
func (w *worker) skipAcked(ctx context.Context, offset int64, now time.Time) error {
	ticket, err := w.p.tracker.Track(ctx, offset, now)
	if err != nil {
		return err
	}
	w.p.tracker.Ack(ticket)
	w.skipped.Inc()
	return nil
}

// decodeHeaders carves a record's headers out of one slice, which saves an allocation for each.
func (w *worker) decodeHeaders(r *wire.Record) ([]event.Header, error) {
	if cap(w.headers)-len(w.headers) < r.HeaderCount {
		w.headers = make([]event.Header, 0, max(256, r.HeaderCount))
	}
	from := len(w.headers)
	headers, err := r.AppendHeaders(w.headers, w.names)
	if err != nil {
		return nil, err
	}
	w.headers = headers
	return headers[from:len(headers):len(headers)], nil
}
