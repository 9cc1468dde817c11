package main

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/event"
)

// demoResult is what became of the sample events, as JSON shows it.
type demoResult struct {
	Published    int `json:"published"`
	Delivered    int `json:"delivered"`
	Skipped      int `json:"skipped"`
	DeadLettered int `json:"dead_lettered"` // with any dead letter

	Calls      int `json:"calls"` // that Customer.io took
	Refused    int `json:"refused"`
	Requests   int `json:"requests"`
	Duplicates int `json:"duplicates"`
	People     int `json:"people"`

	DeadLetters int            `json:"dead_letters"`
	Reasons     map[string]int `json:"reasons"` // of the dead letters

	Elapsed    string   `json:"elapsed"`
	Mismatches []string `json:"mismatches,omitempty"`
}

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

// count compares what the bridge counted with what Customer.io took since before and with what stands in the dead letters.
func (d *demo) count(ctx context.Context, before emulator.Stats) (demoResult, error) {
	c, err := countBridge(d.bridge.registry)
	if err != nil {
		return demoResult{}, err
	}
	letters, events, err := countLetters(ctx, d.bridge.letters)
	if err != nil {
		return demoResult{}, err
	}
	took := d.cio.Stats()
	r := demoResult{
		Published: d.events, Delivered: c.delivered, Skipped: c.skipped, DeadLettered: c.deadLettered,
		Calls: c.calls, Refused: c.refused, Requests: c.requests, Duplicates: took.Duplicates - before.Duplicates, People: took.People,
		DeadLetters: c.letters, Reasons: c.reasons, Elapsed: time.Since(d.began).Round(time.Millisecond).String(),
	}
	for _, pair := range []struct {
		what      string
		got, want int
	}{
		{"events delivered, skipped and dead-lettered, against those published", c.messages(), d.events},
		{"calls delivered, against those that Customer.io took", c.calls, took.Taken - before.Taken},
		{"calls refused, against those that Customer.io refused", c.refused, took.Refused - before.Refused},
		{"requests sent, against those that Customer.io saw", c.requests, took.Requests - before.Requests},
		{"dead letters, against those that are stored", c.letters, letters},
		{"events dead-lettered, against those of the stored letters", c.deadLettered, events},
	} {
		if pair.got != pair.want {
			r.Mismatches = append(r.Mismatches, fmt.Sprintf("%s: %d, %d", pair.what, pair.got, pair.want))
		}
	}
	return r, nil
}

// countLetters counts open letters, and the events that they are of.
func countLetters(ctx context.Context, log deadletter.Reader) (letters, events int, err error) {
	seen := map[event.ID]bool{}
	for letter, err := range deadletter.List(ctx, log, deadletter.Filter{All: true}) {
		if err != nil {
			return 0, 0, fmt.Errorf("read the dead letters: %w", err)
		}
		letters++
		seen[letter.EventID] = true
	}
	return letters, len(seen), nil
}
