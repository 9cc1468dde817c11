package kafka

import (
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/consumer/kafka/wire"
)

// The reasons for which a partition stops, as they stand in metrics.
const (
	stopBelowLog = "offset_below_log"
	stopAboveLog = "offset_above_log"
	stopCorrupt  = "corrupt"
)

// haltReason says why a partition is halted.
type haltReason struct {
	reason string
	offset int64 // where it stands
	start  int64 // of the log
	end    int64 // of the log
	lost   int64 // records that are gone, or that the log lacks
	resume int64 // where the batch behind a damaged one begins; 0 when that is unknown
	detail string
}

// String says it in a line.
func (s *haltReason) String() string {
	text := fmt.Sprintf("stopped: %s at offset %d, the log goes from %d to %d", s.reason, s.offset, s.start, s.end)
	if s.lost > 0 {
		text += fmt.Sprintf(", %d records lost", s.lost)
	}
	if s.detail != "" {
		text += ": " + s.detail
	}
	return text
}

// handleDamage is called for records that cannot be trusted. They are fetched again over a new connection, and when
// that does not help the partition halts.
func (g *generation) handleDamage(p *partition, at int64, broken *wire.CorruptError) {
	const attempts = 3
	g.source.metrics.countFailure(reasonCorrupt)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.faultAt != at {
		p.faultAt, p.faults = at, 0
	}
	p.faults++
	if p.faults > attempts {
		p.epoch++ // nothing behind the damage is handed over
		g.halt(p, &haltReason{reason: stopCorrupt, offset: at, end: p.highWater, resume: broken.After,
			detail: broken.What})
		return
	}
	g.source.log.Warn("records are damaged and fetched again", zap.String("topic", p.key.topic),
		zap.Int32("partition", p.key.id),
		zap.Int64("offset", at), zap.Int("attempt", p.faults), zap.Error(broken))
	p.rewind(at)
	p.notBefore = time.Now().Add(100 * time.Millisecond << p.faults)
	if p.fetcher != nil {
		p.fetcher.redial.Store(true)
		p.fetcher.signal()
	}
}

// halt stops a partition until an operator has decided. The caller holds p.mu.
func (g *generation) halt(p *partition, why *haltReason) {
	p.phase, p.halt = phaseHalted, why
	g.source.log.Error("partition stopped: set its offset with the offsets command and start again",
		zap.String("topic", p.key.topic), zap.Int32("partition", p.key.id), zap.String("reason", why.reason),
		zap.String("detail", why.detail),
		zap.Int64("offset", why.offset), zap.Int64("log_start", why.start), zap.Int64("log_end", why.end),
		zap.Int64("records_lost", why.lost), zap.Int64("next_batch", why.resume))
}
