package main

import (
	"context"
	"fmt"

	"github.com/ciobridge/ciobridge/bench/sink"
	"github.com/ciobridge/ciobridge/bench/traffic"
)

// memory measures the peak of the bridge's resident memory.
func (b *bench) memory(ctx context.Context, group string) error {
	backlog := traffic.Load{Events: b.backlog, Persons: b.persons, Size: 300, Partitions: 4}
	if err := b.peaks(ctx, group, backlog,
		peak{fmt.Sprintf("backlog of %d events", b.backlog), sink.Options{}},
		peak{fmt.Sprintf("the same, nothing answered for %s", b.hang), sink.Options{Hang: b.hang}},
	); err != nil {
		return err
	}
	many := traffic.Load{Events: min(b.backlog, 1_000_000), Persons: b.persons, Size: 300, Partitions: 1000}
	return b.peaks(ctx, group, many, peak{fmt.Sprintf("1,000 partitions, backlog of %d events", many.Events),
		sink.Options{}})
}

// peak is a sink under which memory is looked at.
type peak struct {
	what string
	sink sink.Options
}

// peaks lets the bridge carry one load to one sink after the other.
func (b *bench) peaks(ctx context.Context, group string, l traffic.Load, peaks ...peak) error {
	src, err := b.openFilled(ctx, l, false)
	if err != nil {
		return err
	}
	defer src.close()
	for _, p := range peaks {
		b.say("%s: %s", group, p.what)
		t := trial{programs: []program{b.bridge.with("bridge, "+p.what, settings{})}, source: src, load: l,
			options: p.sink}
		res, err := b.once(ctx, group, t)
		if err != nil {
			return fmt.Errorf("%s: %w", p.what, err)
		}
		figures := fmt.Sprintf("%.0f requests", res.Requests)
		if p.sink.Hang > 0 {
			figures = fmt.Sprintf("%.0f requests left hanging, and everything delivered after that", res.Hung)
		}
		b.report.addRow(group, "peak RSS, "+p.what, figures, atMost(res.PeakRSS/(1<<20), 64, mebi))
	}
	return nil
}
