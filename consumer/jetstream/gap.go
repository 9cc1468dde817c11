package jetstream

import (
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/consumer"
)

// GapError says that a stream has discarded messages before they were read, by its limits or by somebody's purge. An
// operator either sets the checkpoint past the gap, or restores the messages.
type GapError struct {
	Stream   string
	From, To uint64 // the first and the last sequence that is gone
	Done     uint64 // how many of them were finished, because they were acked above the committable offset
}

// Lost is the number of messages that were never finished.
func (e *GapError) Lost() uint64 { return e.To - e.From + 1 - e.Done }

func (e *GapError) Error() string {
	return fmt.Sprintf("stream %s has discarded %d messages that were not read, sequences %d to %d: "+
		"restore them, or go on at %d with: ciobridge offsets skip",
		e.Stream, e.Lost(), e.From, e.To, e.To+1)
}

// checkFirstGap fails if the front of the stream is past next, where reading goes on. Only sequences lower than
// before count. If reading goes on in spite of a gap, the gap is counted once. Nothing can be said of a stream that
// is not dense.
func (r *reader) checkFirstGap(info *jetstream.StreamInfo, next, before int64) error {
	first := min(int64(info.State.FirstSeq), before)
	if !r.dense(info) || first <= next {
		return nil
	}
	if next = max(next, r.skippedTo); first <= next {
		return nil
	}
	gap := &GapError{
		Stream: r.partition.stream, From: uint64(next), To: uint64(first - 1),
		Done: uint64(r.progress.acked.CountWithin(next, first)),
	}
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
