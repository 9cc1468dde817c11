package app

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/expr"
)

// summaryEvery is how often a line tells what the bridge has done since the last.
const summaryEvery = time.Minute

// summarize logs a summary a minute until ctx ends.
func (b *Bridge) summarize(ctx context.Context) {
	tick := time.NewTicker(summaryEvery)
	defer tick.Stop()
	var last Stats
	timedOut := map[string]uint64{}
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		now := b.Stats()
		b.log.Info("summary", zap.Duration("of", summaryEvery),
			zap.Int("delivered", now.Delivered-last.Delivered), zap.Int("skipped", now.Skipped-last.Skipped),
			zap.Int("dead_lettered", now.DeadLettered-last.DeadLettered),
			zap.Int("calls", now.CallsDelivered-last.CallsDelivered),
			zap.Int("requests", now.Requests-last.Requests),
			zap.String("destination", string(b.sender.State().Condition)))
		last = now
		warnOfSlowRules(b.log, b.rules.Stats(), timedOut)
	}
}

// warnOfSlowRules names each rule whose expressions ran into their time limit since the last time. An expression is
// stopped between two of its steps, so that one step that takes long shows here too.
func warnOfSlowRules(log *zap.Logger, rules []mapping.RuleStats, last map[string]uint64) {
	for _, s := range rules {
		if n := s.TimedOut - last[s.Rule]; n > 0 {
			log.Warn("an expression of the rule does not end in time, and its events become dead letters",
				zap.String("rule", s.Rule),
				zap.Uint64("events", n), zap.Duration("of", summaryEvery), zap.Duration("limit",
					expr.TimeLimit), zap.Duration("longest", s.Longest))
			last[s.Rule] = s.TimedOut
		}
	}
}
