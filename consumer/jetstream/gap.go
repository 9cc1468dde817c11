package jetstream

import (
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/consumer"
)

// GapError says that a stream has discarded messages before they were read: its limits, or somebody's purge, were faster.
// The way on is to move the consumer past the gap, or to restore the messages.
type GapError struct {
	Stream   string
	From, To uint64 // the first and the last sequence that is gone
	Done     uint64 // how many between them were finished before, out of turn
}

// Lost is the number of messages that were never finished.
func (e *GapError) Lost() uint64 { return e.To - e.From + 1 - e.Done }

func (e *GapError) Error() string {
	return fmt.Sprintf("stream %s has discarded %d messages that were not read, sequences %d to %d: restore them, or go on at %d with: ciobridge offsets skip",
		e.Stream, e.Lost(), e.From, e.To, e.To+1)
}

// checkFirstGap compares the place where reading goes on with what the stream still has. Where some subjects are left out, or where
// newer messages replace older ones by design, nothing can be said. A gap that is not to stop the reading is counted once.
func (r *reader) checkFirstGap(info *jetstream.StreamInfo, next, before int64) error {
	first := min(int64(info.State.FirstSeq), before)
	if !r.dense(info) || first <= next {
		return nil
	}
	if next = max(next, r.skippedTo); first <= next {
		return nil
	}
	gap := &GapError{Stream: r.partition.stream, From: uint64(next), To: uint64(first - 1), Done: uint64(r.progress.acked.CountWithin(next, first))}
	if gap.Lost() == 0 {
		return nil
	}
	r.metrics.lost.Add(float64(gap.Lost()))
	if r.cfg.OnGap == consumer.GapSkip {
		r.skippedTo = first
		r.log.Error("stream has discarded messages that were not read: reading goes on behind them, as on_gap says",
			zap.Uint64("from", gap.From), zap.Uint64("to", gap.To), zap.Uint64("lost", gap.Lost()))
		return nil
	}
	return &fatalError{gap}
}
