package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/event"
)

// worker hands over the messages of one partition, in order.
type worker struct {
	p        *partition
	lease    *consumer.Lease
	handle   consumer.Handler
	limit    int   // of an unpacked batch
	position int64 // the next offset to hand over
	passed   prometheus.Counter
	names    headerNames
	headers  []event.Header
}

// run hands over a chunk, and those that have come meanwhile, until there is none, ctx ends or handle refuses a message. A damaged
// chunk goes to damaged.
func (w *worker) run(ctx context.Context, c *chunk, damaged func(p *partition, at int64, broken *corruptError)) error {
	for c != nil {
		if err := w.chunk(ctx, c); err != nil {
			var broken *corruptError
			switch {
			case errors.As(err, &broken):
				damaged(w.p, w.position, broken)
			case ctx.Err() != nil || w.lease.Err() != nil || errors.Is(err, consumer.ErrTrackerClosed):
				return nil
			default:
				return err
			}
		}
		c.fetcher.handedOver()
		c = w.p.following()
	}
	return nil
}

// chunk hands over what one fetch brought.
func (w *worker) chunk(ctx context.Context, c *chunk) error {
	defer c.set.Release()
	if !w.p.current(c.epoch) {
		return nil
	}
	w.position = max(w.position, c.from)
	aborts := newAbortFilter(c.aborted)
	now := time.Now()
	for b := c.set.Bytes; len(b) > 0; {
		h, err := readBatchHeader(b)
		if errors.Is(err, errTruncated) {
			return nil
		}
		if err != nil {
			return err
		}
		batch := b[:h.size]
		b = b[h.size:]
		if err := verify(batch); err != nil {
			return behind(err, &h)
		}
		records := batch[batchHeaderSize:]
		if !aborts.drops(&h, records) && h.last() >= w.position {
			if err := w.batch(ctx, &h, records, c.set, now); err != nil {
				return behind(err, &h)
			}
		}
		w.position = max(w.position, h.last()+1)
		w.p.tracker.Skip(w.position)
	}
	return nil
}

// behind adds to the error over a damaged batch where the next one begins.
func behind(err error, h *batchHeader) error {
	var broken *corruptError
	if errors.As(err, &broken) {
		broken.after = h.last() + 1
	}
	return err
}

// batch hands over the records of a batch that lies in the buffer from.
func (w *worker) batch(ctx context.Context, h *batchHeader, records []byte, from *consumer.Buffer, now time.Time) error {
	if h.codec() != 0 {
		unpacked, err := w.unpack(ctx, h, records)
		if err != nil {
			return err
		}
		defer unpacked.Release()
		from, records = unpacked, unpacked.Bytes
	}
	var r record
	for reader := newRecordReader(h, records); ; {
		ok, err := reader.next(&r)
		if !ok || err != nil {
			return err
		}
		if r.offset < w.position {
			continue // brokers answer with the whole batch in which the offset lies
		}
		if err := w.record(ctx, &r, from, now); err != nil {
			return err
		}
		w.position = r.offset + 1
	}
}

// unpack decompresses a batch when the window has room.
func (w *worker) unpack(ctx context.Context, h *batchHeader, records []byte) (*consumer.Buffer, error) {
	window := w.p.share.Budget
	if err := window.BeginUnpacking(ctx); err != nil {
		return nil, err
	}
	defer window.EndUnpacking()
	b, err := decompress(h.codec(), records, w.limit)
	if err != nil {
		return nil, err
	}
	b.Unpacked = true
	b.Charge(&w.p.share)
	return b, nil
}

// record hands over one record.
func (w *worker) record(ctx context.Context, r *record, from *consumer.Buffer, now time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	tracker := w.p.tracker
	if tracker.AlreadyAcked(r.offset) {
		return w.pass(ctx, r.offset, now)
	}
	m := event.Message{
		Origin: event.Origin{Topic: w.p.key.topic, Partition: w.p.key.id, Offset: r.offset},
		Key:    r.key,
		Value:  r.value,
	}
	if r.time >= 0 {
		m.Time = time.UnixMilli(r.time)
	}
	if r.nHeader > 0 {
		headers, err := w.decodeHeaders(r)
		if err != nil {
			return err
		}
		m.Headers = headers
	}
	ticket, err := tracker.Track(ctx, r.offset, now)
	if err != nil {
		return err
	}
	from.Retain()
	return w.handle(w.lease, m, func() {
		if tracker.Ack(ticket) {
			from.Release()
		}
	})
}

// pass leaves out a record that was done before.
func (w *worker) pass(ctx context.Context, offset int64, now time.Time) error {
	ticket, err := w.p.tracker.Track(ctx, offset, now)
	if err != nil {
		return err
	}
	w.p.tracker.Ack(ticket)
	w.passed.Inc()
	return nil
}

// decodeHeaders carves a record's headers out of a slab, which saves an allocation for each.
func (w *worker) decodeHeaders(r *record) ([]event.Header, error) {
	if cap(w.headers)-len(w.headers) < r.nHeader {
		w.headers = make([]event.Header, 0, max(256, r.nHeader))
	}
	from := len(w.headers)
	headers, err := r.appendHeaders(w.headers, w.names)
	if err != nil {
		return nil, err
	}
	w.headers = headers
	return headers[from:len(headers):len(headers)], nil
}
