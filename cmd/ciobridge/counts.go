package main

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// bridgeCounts is what a bridge has counted in its metrics.
type bridgeCounts struct {
	delivered, skipped, deadLettered int
	calls, refused, requests         int
	letters                          int
	reasons                          map[string]int
	stopped                          bool // most of a rule's events failed, and nothing moves
}

// messages is how many events are done.
func (c bridgeCounts) messages() int { return c.delivered + c.skipped + c.deadLettered }

// countBridge reads the metrics.
func countBridge(reg prometheus.Gatherer) (bridgeCounts, error) {
	c := bridgeCounts{reasons: map[string]int{}}
	families, err := reg.Gather()
	if err != nil {
		return c, fmt.Errorf("read the bridge's metrics: %w", err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			n := int(m.GetCounter().GetValue() + m.GetGauge().GetValue()) // a metric is one of them
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			c.add(family.GetName(), labels, n)
		}
	}
	return c, nil
}

func (c *bridgeCounts) add(metric string, labels map[string]string, n int) {
	switch metric {
	case "ciobridge_messages_total":
		switch labels["outcome"] {
		case "delivered":
			c.delivered += n
		case "skipped":
			c.skipped += n
		case "dead_lettered":
			c.deadLettered += n
		}
	case "ciobridge_calls_total":
		if labels["outcome"] == "delivered" {
			c.calls += n
		} else {
			c.refused += n
		}
	case "ciobridge_requests_total":
		c.requests += n
	case "ciobridge_flow_stopped":
		c.stopped = n > 0
	case "ciobridge_dead_letters_total":
		if n > 0 {
			c.letters += n
			c.reasons[labels["reason"]] += n
		}
	}
}
