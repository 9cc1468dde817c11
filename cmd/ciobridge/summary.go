package main

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// summaryEvery is how often a line tells what the bridge has done since the last.
const summaryEvery = time.Minute

// summarize logs a summary a minute until ctx ends.
func (b *bridge) summarize(ctx context.Context) {
	tick := time.NewTicker(summaryEvery)
	defer tick.Stop()
	var last bridgeCounts
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		now, err := countBridge(b.registry)
		if err != nil {
			b.log.Error("no summary", zap.Error(err))
			return
		}
		b.log.Info("summary", zap.Duration("of", summaryEvery),
			zap.Int("delivered", now.delivered-last.delivered), zap.Int("skipped", now.skipped-last.skipped),
			zap.Int("dead_lettered", now.deadLettered-last.deadLettered), zap.Int("calls", now.calls-last.calls),
			zap.Int("requests", now.requests-last.requests), zap.String("destination", string(b.sender.State().Condition)))
		last = now
	}
}
