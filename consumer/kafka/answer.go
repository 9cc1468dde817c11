package kafka

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/consumer/kafka/wire"
)

// chunk is what one answer brought of a partition: whole batches, and perhaps a part of one. It is handed over by the
// worker, and its memory is released when its last message is acked.
type chunk struct {
	fetcher *fetcher // that fetched it
	arrived time.Time
	from    int64 // the offset that was asked for
	epoch   int   // of the partition when it was asked for
	aborted []wire.AbortedRange
	set     *consumer.Buffer
}

// receive looks at what came for a partition.
func (f *fetcher) receive(ctx context.Context, p *partition, epoch int, from int64, got wire.FetchedPartition) {
	if got.Set != nil {
		got.Set.Charge(p.share)
	}
	p.mu.Lock()
	mine := p.fetcher == f && p.epoch == epoch
	if mine && got.Code == 0 {
		p.highWater = got.HighWater
	}
	p.mu.Unlock()
	if mine && got.Code == 0 {
		p.retries.succeeded()
	}
	if mine && got.Code == 0 && got.Set != nil {
		f.deliver(ctx, p, epoch, from, got)
		return
	}
	if got.Set != nil {
		got.Set.Release()
	}
	if mine && got.Code != 0 {
		f.handleError(p, from, got.Code)
	}
}

// deliver gives a record set to the partition's worker.
func (f *fetcher) deliver(ctx context.Context, p *partition, epoch int, from int64, got wire.FetchedPartition) {
	next, need := wire.ScanBatches(got.Set.Bytes, from)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fetcher != f || p.epoch != epoch || p.next != from || p.queued != nil {
		got.Set.Release() // it has been moved or rewound since
		return
	}
	if next == from && need > 0 {
		// Not one whole batch: ask for as much as it takes.
		got.Set.Release()
		if f.truncated == nil {
			f.truncated = p
		}
		if p.bytes = int32(min(need, 1<<30)); need > f.g.source.config.MaxBatchBytes {
			f.g.halt(p, &haltReason{reason: stopCorrupt, offset: from, end: p.highWater,
				detail: fmt.Sprintf("a batch of %d bytes is larger than max_batch_bytes (%d)", need,
					f.g.source.config.MaxBatchBytes)})
		}
		return
	}
	p.bytes = min(p.bytes, usualFetch)
	p.next, f.last = next, p
	f.unhanded.Add(1)
	c := &chunk{arrived: time.Now(), from: from, epoch: epoch, aborted: got.Aborted, set: got.Set, fetcher: f}
	if p.working {
		p.queued = c
		return
	}
	f.g.startWorker(ctx, p, c)
}

// handleError deals with a partition for which the broker gave an error.
func (f *fetcher) handleError(p *partition, from int64, code int16) {
	switch err := topicError("fetch "+p.key.String(), "Read", p.key.topic, code); kafka.Error(code) {
	case kafka.OffsetOutOfRange:
		p.mu.Lock()
		p.phase, p.start.offset = phaseStarting, p.next
		p.mu.Unlock()
	case kafka.UnknownTopicOrPartition:
		f.g.handleDeleted(p.key.topic)
	case kafka.InvalidMessage: // the broker's own checksum test failed
		f.g.handleDamage(p, from, &wire.CorruptError{What: "the broker says that the record is corrupt"})
	case kafka.Error(wire.CodeTooLarge):
		p.mu.Lock()
		f.g.halt(p, &haltReason{reason: stopCorrupt, offset: from, end: p.highWater,
			detail: "a batch is larger than max_batch_bytes"})
		p.mu.Unlock()
	default:
		p.mu.Lock()
		p.notBefore = time.Now().Add(p.retries.failed(err))
		p.mu.Unlock()
		f.g.routeAgain()
	}
}
