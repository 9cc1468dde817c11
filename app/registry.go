package app

import (
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/ciobridge/ciobridge/app/matches"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/brake"
	"github.com/ciobridge/ciobridge/mapping/live"
)

// newRegistry makes the registry of a process's metrics, with those that belong to no stage.
func newRegistry(rules *live.Rules, version string, seen *matches.Seen) *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		ruleMetrics{rules, version, seen})
	return reg
}

// ruleMetrics collects what the rules count by themselves, and which ones they are. Rules that are gone have no series
// any more.
type ruleMetrics struct {
	rules   *live.Rules
	version string
	seen    *matches.Seen
}

var infoDesc = prometheus.NewDesc("ciobridge_build_info",
	"Always 1; the labels tell the version, the Go version and the hash of the rules.",
	[]string{"version", "go", "config_hash"}, nil)

var generationDesc = prometheus.NewDesc("ciobridge_rules_generation",
	"How many rules there were since the start, the current ones included: it grows when changed rules are taken up.",
	nil, nil)

var ruleDesc = prometheus.NewDesc("ciobridge_rule_total",
	"Events and calls by rule and result: events matched or skipped by the rule's condition, calls made, calls "+
		"failed; events for which an expression ran into its time limit; calls of identify whose timestamp was "+
		"older than one before, or over a minute ahead of its record; calls of events older than too_late.after; "+
		"calls made that a rule with send: false does not send.",
	[]string{"rule", "result"}, nil)

var skippedDesc = prometheus.NewDesc("ciobridge_events_skipped_total",
	"Events that became neither a call nor a dead letter, by reason: no rule names their type (no_rule), no "+
		"condition of a rule held (condition), conditions or empty lists left none of a rule's calls (no_call), the "+
		"record holds no event (no_event), rules applied that send nothing (not_sent).",
	[]string{"reason"}, nil)

var unfitDesc = prometheus.NewDesc("ciobridge_rule_values_unfit_total",
	"Values that Customer.io would refuse or ignore, by rule, field and reason, and by what became of them: left_out "+
		"or truncated. Of objects that are sent whole a rule tells 20 members apart.",
	[]string{"rule", "field", "reason", "result"}, nil)

// Describe implements prometheus.Collector.
func (ruleMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{infoDesc, generationDesc, ruleDesc, skippedDesc, unfitDesc, ruleInfoDesc,
		lastMatchDesc, silentDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m ruleMetrics) Collect(ch chan<- prometheus.Metric) {
	rules, generation := m.rules.Current()
	ch <- prometheus.MustNewConstMetric(infoDesc, prometheus.GaugeValue, 1, m.version, runtime.Version(), rules.Hash())
	ch <- prometheus.MustNewConstMetric(generationDesc, prometheus.GaugeValue, float64(generation))
	stats := rules.Stats()
	m.collectMatches(ch, rules, stats)
	for _, s := range stats {
		for result, n := range map[string]uint64{"matched": s.Matched, "skipped": s.Skipped, "calls": s.Calls,
			"failed": s.Failed, "timed_out": s.TimedOut, "timestamps_behind": s.Behind, "timestamps_ahead": s.Ahead,
			"too_late": s.Late, "not_sent": s.Unsent} {
			ch <- prometheus.MustNewConstMetric(ruleDesc, prometheus.CounterValue, float64(n), s.Rule, result)
		}
	}
	s := rules.Skips()
	for reason, n := range map[string]uint64{"no_rule": s.NoRule, "condition": s.Condition, "no_call": s.NoCall,
		"not_sent": s.Unsent, "no_event": s.NoEvent} {
		ch <- prometheus.MustNewConstMetric(skippedDesc, prometheus.CounterValue, float64(n), reason)
	}
	for _, u := range rules.Unfit() {
		ch <- prometheus.MustNewConstMetric(unfitDesc, prometheus.CounterValue, float64(u.Values), u.Rule, u.Name(),
			string(u.Reason), u.Result())
	}
}

// silentAfter is how long a rule that has matched may match nothing before a metric says so.
const silentAfter = 24 * time.Hour

var ruleInfoDesc = prometheus.NewDesc("ciobridge_rule_info",
	"Always 1; the labels tell who answers for a rule, and what becomes of it when most of it fails.",
	[]string{"rule", "owner", "on_failure"}, nil)

var lastMatchDesc = prometheus.NewDesc("ciobridge_rule_last_match_timestamp_seconds",
	"When an event last matched the rule, to the minute. Missing until one has since the start.",
	[]string{"rule"}, nil)

var silentDesc = prometheus.NewDesc("ciobridge_rule_silent",
	"1 while a rule that has matched since the start has matched nothing for 24 hours.", []string{"rule"}, nil)

// collectMatches gives what there is to know of each rule as a whole.
func (m ruleMetrics) collectMatches(ch chan<- prometheus.Metric, rules *mapping.Rules, stats []mapping.RuleStats) {
	now := time.Now()
	last := m.seen.Look(stats, now)
	for i := range stats {
		name := stats[i].Rule
		policy, onFailure := rules.Policy(name), brake.Stop
		if policy.DeadLetters {
			onFailure = brake.DeadLetter
		}
		ch <- prometheus.MustNewConstMetric(ruleInfoDesc, prometheus.GaugeValue, 1, name, policy.Owner, onFailure)
		at := last[name]
		if at.IsZero() {
			continue
		}
		silent := 0.0
		if now.Sub(at) >= silentAfter {
			silent = 1
		}
		ch <- prometheus.MustNewConstMetric(lastMatchDesc, prometheus.GaugeValue, float64(at.Unix()), name)
		ch <- prometheus.MustNewConstMetric(silentDesc, prometheus.GaugeValue, silent, name)
	}
}
