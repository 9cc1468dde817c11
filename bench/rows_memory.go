package main

import (
	"context"
	"fmt"
)

// memory measures the peak of the bridge's resident memory.
func (b *bench) memory(ctx context.Context, group string) error {
	backlog := load{events: b.backlog, persons: b.persons, size: 300, partitions: 4}
	if err := b.peaks(ctx, group, backlog,
		peak{fmt.Sprintf("backlog of %d events", b.backlog), sinkOptions{}},
		peak{fmt.Sprintf("the same, nothing answered for %s", b.hang), sinkOptions{hang: b.hang}},
	); err != nil {
		return err
	}
	many := load{events: min(b.backlog, 1_000_000), persons: b.persons, size: 300, partitions: 1000}
	return b.peaks(ctx, group, many, peak{fmt.Sprintf("1,000 partitions, backlog of %d events", many.events), sinkOptions{}})
}

// peak is a sink under which memory is looked at.
type peak struct {
	what string
	sink sinkOptions
}

// peaks lets the bridge carry one load to one sink after the other.
func (b *bench) peaks(ctx context.Context, group string, l load, peaks ...peak) error {
	src, err := b.openFilled(ctx, l, false)
	if err != nil {
		return err
	}
	defer src.close()
	for _, p := range peaks {
		b.say("%s: %s", group, p.what)
		t := trial{programs: []program{b.bridge.with("bridge, "+p.what, settings{})}, source: src, load: l, options: p.sink}
		res, err := b.once(ctx, group, t)
		if err != nil {
			return fmt.Errorf("%s: %w", p.what, err)
		}
		figures := fmt.Sprintf("%.0f requests", res.Requests)
		if p.sink.hang > 0 {
			figures = fmt.Sprintf("%.0f requests left hanging, and everything delivered after that", res.Hung)
		}
		b.report.addRow(group, "peak RSS, "+p.what, figures, atMost(res.PeakRSS/(1<<20), 64, mebi))
	}
	return nil
}
