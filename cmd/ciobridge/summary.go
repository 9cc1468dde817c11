package main

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
func (b *bridge) summarize(ctx context.Context) {
	tick := time.NewTicker(summaryEvery)
	defer tick.Stop()
	var last bridgeCounts
	timedOut := map[string]uint64{}
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
		warnOfSlowRules(b.log, b.rules.Stats(), timedOut)
	}
}

// warnOfSlowRules names each rule whose expressions ran into their time limit since the last time. An expression is stopped between two
// of its steps, so that one step that takes long shows here too.
func warnOfSlowRules(log *zap.Logger, rules []mapping.RuleStats, last map[string]uint64) {
	for _, s := range rules {
		if n := s.TimedOut - last[s.Rule]; n > 0 {
			log.Warn("an expression of the rule does not end in time, and its events become dead letters", zap.String("rule", s.Rule),
				zap.Uint64("events", n), zap.Duration("of", summaryEvery), zap.Duration("limit", expr.TimeLimit), zap.Duration("longest", s.Longest))
			last[s.Rule] = s.TimedOut
		}
	}
}
