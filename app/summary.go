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
	timedOut, stamped := map[string]uint64{}, map[string]mapping.RuleStats{}
	unfit := map[mapping.Unfit]uint64{}
	defer func() { warnOfUnfit(b.log, b.rules.Now().Unfit(), unfit) }()
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
		rules := b.rules.Now()
		stats := rules.Stats()
		b.seen.Look(stats, time.Now())
		warnOfSlowRules(b.log, stats, timedOut)
		warnOfTimestamps(b.log, stats, stamped)
		warnOfUnfit(b.log, rules.Unfit(), unfit)
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

// warnOfTimestamps names each rule whose identify calls carried timestamps since the last time that Customer.io
// ignores, or that may have it ignore others. Its answers do not tell.
func warnOfTimestamps(log *zap.Logger, rules []mapping.RuleStats, last map[string]mapping.RuleStats) {
	for _, s := range rules {
		before := last[s.Rule]
		if last[s.Rule] = s; s.Ahead > before.Ahead {
			log.Warn("the rule's timestamps lie in the future: Customer.io may ignore what comes until then",
				zap.String("rule", s.Rule), zap.Uint64("calls", s.Ahead-before.Ahead),
				zap.Duration("of", summaryEvery))
		}
		if s.Behind > before.Behind {
			log.Warn("the rule's timestamps are older than those of the same persons before: Customer.io ignores "+
				"the calls", zap.String("rule", s.Rule),
				zap.Uint64("calls", s.Behind-before.Behind), zap.Duration("of", summaryEvery))
		}
	}
}

// warnOfUnfit names the fields whose values calls went without, or with their beginning, since the last time. Names of
// members come from events and are not logged.
func warnOfUnfit(log *zap.Logger, unfit []mapping.Unfit, last map[mapping.Unfit]uint64) {
	now := map[mapping.Unfit]uint64{}
	var keys []mapping.Unfit
	for _, u := range unfit {
		key := mapping.Unfit{Rule: u.Rule, Field: u.Field, Reason: u.Reason, Cut: u.Cut}
		if now[key] == 0 {
			keys = append(keys, key)
		}
		now[key] += u.Values
	}
	for _, key := range keys {
		if n := now[key] - last[key]; n > 0 {
			log.Warn("values do not fit Customer.io, and calls go without them or with their beginning: ciobridge map "+
				"shows why", zap.String("rule", key.Rule), zap.String("field", key.Field),
				zap.String("reason", string(key.Reason)), zap.String("result", key.Result()), zap.Uint64("values", n))
			last[key] = now[key]
		}
	}
}
