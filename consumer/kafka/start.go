package kafka

import (
	"context"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/consumer"
)

// startPartitions compares the committed offsets of partitions with their logs and starts reading them, or halts them.
func (g *generation) startPartitions(ctx context.Context, conn *broker.KafkaConn, partitions []*partition) error {
	keys := make([]partitionKey, len(partitions))
	for i, p := range partitions {
		keys[i] = p.key
	}
	found, err := listBounds(ctx, conn, keys, g.startAt)
	if err != nil {
		return err
	}
	first := map[partitionKey]checkpoint{}
	places := map[*partition]checkpoint{}
	for _, p := range partitions {
		c, commitFirst, ok := g.startPoint(p, found[p.key])
		if !ok {
			continue
		}
		places[p] = c
		if commitFirst {
			first[p.key] = c
		}
	}
	if len(first) > 0 {
		if err := g.commitNow(ctx, first); err != nil {
			return err
		}
	}
	for p, c := range places {
		p.startReading(c, g.source.config.MaxUncommitted)
	}
	return nil
}

// startOffset decides where a partition is read from. CommitFirst says that the place has to be committed first:
// otherwise a crash before the first ordinary commit would begin at another one. A non-nil haltReason means that the
// committed offset is outside of the log.
func startOffset(c checkpoint, added bool, b bounds) (offset int64, commitFirst bool, halt *haltReason) {
	switch {
	case c.offset < 0 && added:
		return b.start, true, nil
	case c.offset < 0:
		return b.startAt, true, nil
	case c.offset < b.start:
		return 0, false, &haltReason{reason: stopBelowLog, offset: c.offset, start: b.start, end: b.end,
			lost: b.start - c.offset - c.acked.CountWithin(c.offset, b.start)}
	case c.offset > b.end:
		return 0, false, &haltReason{reason: stopAboveLog, offset: c.offset, start: b.start, end: b.end,
			lost: c.offset - b.end}
	}
	return c.offset, false, nil
}

// aboveFor is for how long a log must end before the committed offset until that is believed: a new leader may know
// less than the old one for a moment.
const aboveFor = 5 * time.Second

// startPoint decides about one partition: where it is read from, and whether that has to be committed first. Not ok
// means that it is not to be read now.
func (g *generation) startPoint(p *partition, b bounds) (c checkpoint, commitFirst, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b.code != 0 {
		err := topicError("list offsets of "+p.key.String(), "Describe", p.key.topic, int16(b.code))
		p.notBefore = time.Now().Add(p.retries.failed(err))
		if b.code != kafka.OffsetNotAvailable {
			g.routeAgain()
		}
		return c, false, false
	}
	p.retries.succeeded()
	p.highWater = b.end
	if !g.logReaches(p, max(p.start.offset, p.start.acked.End()), b.end) {
		return c, false, false
	}
	c = p.start
	if c.acked.End() > b.end {
		g.source.log.Warn("the log has become shorter: what was done of it is not left out",
			zap.String("topic", p.key.topic),
			zap.Int32("partition", p.key.id), zap.Int64("done_to", c.acked.End()), zap.Int64("log_end", b.end))
		c.acked = nil
	}
	c.advance()
	offset, commitFirst, halt := startOffset(c, p.addedLater, b)
	if halt != nil && halt.reason == stopBelowLog && g.source.config.OnGap == consumer.GapSkip {
		g.skipGap(p, &c, halt)
		offset, commitFirst, halt = c.offset, p.tracker == nil, nil // a commit must not pass what is in flight
	}
	if halt != nil {
		g.halt(p, halt)
		return c, false, false
	}
	// Before the first message is handed over, the commit says whose the partition is, so that another reader that
	// comes back does not use what it remembers.
	commitFirst = commitFirst || p.tracker == nil && c.reader != g.source.reader
	c.offset, c.partitions, c.reader = offset, p.topicPartitions, g.source.reader
	return c, commitFirst, true
}

// skipGap goes on at the start of a log that has passed the committed offset.
func (g *generation) skipGap(p *partition, c *checkpoint, gap *haltReason) {
	g.source.metrics.lost.Add(float64(gap.lost))
	g.source.log.Error("partition has lost records that were not read: reading goes on behind them, as on_gap says",
		zap.String("topic", p.key.topic), zap.Int32("partition", p.key.id),
		zap.Int64("offset", gap.offset), zap.Int64("log_start", gap.start), zap.Int64("records_lost", gap.lost))
	c.offset, c.acked = gap.start, consumer.AckedRanges(nil).AppendFrom(c.acked, gap.start)
	c.advance()
}

// logReaches reports whether a log reaches to an offset, or has not for so long that it is believed not to. The caller
// holds p.mu.
func (g *generation) logReaches(p *partition, offset, end int64) bool {
	if offset <= end {
		p.aboveSince = time.Time{}
		return true
	}
	now := time.Now()
	if p.aboveSince.IsZero() {
		p.aboveSince = now
	}
	if now.Sub(p.aboveSince) < g.source.aboveFor {
		p.notBefore = now.Add(g.source.aboveFor / 5)
		return false
	}
	return true
}
