package consumer

import (
	"errors"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// GapPolicy says what happens where a broker has discarded what was not read: its retention or somebody's purge was faster.
type GapPolicy string

const (
	// GapStop stops reading there until an operator has decided. It is the default.
	GapStop GapPolicy = "stop"
	// GapSkip goes on at the first message that is left. What is lost is counted and logged.
	GapSkip GapPolicy = "skip"
)

func (p GapPolicy) validate() error {
	if p != GapStop && p != GapSkip {
		return errors.New("on_gap: is neither stop nor skip")
	}
	return nil
}

// firstGap compares the place where reading goes on with what the stream still has. Where some subjects are left out, or where
// newer messages replace older ones by design, nothing can be said. A gap that is not to stop the reading is counted once.
func (r *streamReader) firstGap(info *jetstream.StreamInfo, next, before int64) error {
	first := min(int64(info.State.FirstSeq), before)
	if !r.dense(info) || first <= next {
		return nil
	}
	if next = max(next, r.skipped); first <= next {
		return nil
	}
	gap := &StreamGapError{Stream: r.part.stream, From: uint64(next), To: uint64(first - 1), Done: uint64(r.memory.done.within(next, first))}
	if gap.Lost() == 0 {
		return nil
	}
	r.metrics.lost.Add(float64(gap.Lost()))
	if r.cfg.OnGap == GapSkip {
		r.skipped = first
		r.log.Error("stream has discarded messages that were not read: reading goes on behind them, as on_gap says",
			zap.Uint64("from", gap.From), zap.Uint64("to", gap.To), zap.Uint64("lost", gap.Lost()))
		return nil
	}
	return &stopError{gap}
}
