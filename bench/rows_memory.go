package main

import (
	"context"
	"fmt"
)

// memory measures the peak of the bridge's resident memory.
func (b *bench) memory(ctx context.Context, group string) error {
	backlog := load{events: b.backlog, persons: b.persons, size: 300, partitions: 4}
	if err := b.peaks(ctx, group, backlog, []sinkOptions{{}, {hang: b.hang}}, []string{
		fmt.Sprintf("peak RSS with a backlog of %d events", b.backlog),
		fmt.Sprintf("the same while nothing is answered for %s", b.hang),
	}); err != nil {
		return err
	}
	many := load{events: min(b.backlog, 1_000_000), persons: b.persons, size: 300, partitions: 1000}
	return b.peaks(ctx, group, many, []sinkOptions{{}}, []string{
		fmt.Sprintf("peak RSS with 1,000 partitions, a backlog of %d events", many.events),
	})
}

// peaks lets the bridge carry one load to several sinks, one after the other.
func (b *bench) peaks(ctx context.Context, group string, l load, sinks []sinkOptions, what []string) error {
	src, err := b.openFilled(ctx, l, false)
	if err != nil {
		return err
	}
	defer src.close()
	for i, o := range sinks {
		res, _, err := b.run(ctx, trial{programs: []program{b.bridge}, source: src, load: l, sink: o})
		if err != nil {
			return fmt.Errorf("%s: %w", what[i], err)
		}
		res.Group = group
		b.report.addRuns(res)
		figures := fmt.Sprintf("%.0f requests", res.Requests)
		if o.hang > 0 {
			figures = fmt.Sprintf("%.0f requests left hanging, and all of their events delivered after that", res.Hung)
		}
		b.report.addRow(group, what[i], figures, atMost(res.PeakRSS/(1<<20), 64, mebi))
	}
	return nil
}
