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
		"failed; events for which an expression ran into its time limit; timestamps of identify that lay over a "+
		"minute behind or ahead of their record.",
	[]string{"rule", "result"}, nil)

// Describe implements prometheus.Collector.
func (ruleMetrics) Describe(ch chan<- *prometheus.Desc) { ch <- ruleDesc }

// Collect implements prometheus.Collector.
func (m ruleMetrics) Collect(ch chan<- prometheus.Metric) {
	for _, s := range m.rules.Stats() {
		for result, n := range map[string]uint64{"matched": s.Matched, "skipped": s.Skipped, "calls": s.Calls,
			"failed": s.Failed, "timed_out": s.TimedOut, "timestamps_behind": s.Behind, "timestamps_ahead": s.Ahead} {
			ch <- prometheus.MustNewConstMetric(ruleDesc, prometheus.CounterValue, float64(n), s.Rule, result)
		}
	}
}
