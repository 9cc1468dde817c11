package app

import (
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/ciobridge/ciobridge/mapping"
)

// newRegistry makes the registry of a process's metrics, with those that belong to no stage.
func newRegistry(rules *mapping.Rules, version string) *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		ruleMetrics{rules})
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "ciobridge_build_info", Help: "Always 1; the labels tell the version, the Go version and the hash " +
			"of the rules.",
	}, []string{"version", "go", "config_hash"})
	info.WithLabelValues(version, runtime.Version(), rules.Hash()).Set(1)
	reg.MustRegister(info)
	return reg
}

// ruleMetrics collects what the rules count by themselves.
type ruleMetrics struct{ rules *mapping.Rules }

var ruleDesc = prometheus.NewDesc("ciobridge_rule_total",
	"Events and calls by rule and result: events matched or skipped by the rule's condition, calls made, calls "+
		"failed; events for which an expression ran into its time limit; calls of identify whose timestamp was "+
		"older than one before, or over a minute ahead of its record; calls of events older than too_late.after.",
	[]string{"rule", "result"}, nil)

var skippedDesc = prometheus.NewDesc("ciobridge_events_skipped_total",
	"Events that became neither a call nor a dead letter, by reason: no rule names their type (no_rule), no "+
		"condition of a rule held (condition), conditions or empty lists left none of a rule's calls (no_call), the "+
		"record holds no event (no_event).",
	[]string{"reason"}, nil)

var unfitDesc = prometheus.NewDesc("ciobridge_rule_values_unfit_total",
	"Values that Customer.io would refuse or ignore, by rule, field and reason, and by what became of them: left_out "+
		"or truncated. Of objects that are sent whole a rule tells 20 members apart.",
	[]string{"rule", "field", "reason", "result"}, nil)

// Describe implements prometheus.Collector.
func (ruleMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{ruleDesc, skippedDesc, unfitDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m ruleMetrics) Collect(ch chan<- prometheus.Metric) {
	for _, s := range m.rules.Stats() {
		for result, n := range map[string]uint64{"matched": s.Matched, "skipped": s.Skipped, "calls": s.Calls,
			"failed": s.Failed, "timed_out": s.TimedOut, "timestamps_behind": s.Behind, "timestamps_ahead": s.Ahead,
			"too_late": s.Late} {
			ch <- prometheus.MustNewConstMetric(ruleDesc, prometheus.CounterValue, float64(n), s.Rule, result)
		}
	}
	s := m.rules.Skips()
	for reason, n := range map[string]uint64{"no_rule": s.NoRule, "condition": s.Condition, "no_call": s.NoCall,
		"no_event": s.NoEvent} {
		ch <- prometheus.MustNewConstMetric(skippedDesc, prometheus.CounterValue, float64(n), reason)
	}
	for _, u := range m.rules.Unfit() {
		ch <- prometheus.MustNewConstMetric(unfitDesc, prometheus.CounterValue, float64(u.Values), u.Rule, u.Name(),
			string(u.Reason), u.Result())
	}
}
