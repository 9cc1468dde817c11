package main

import (
	"context"
	"fmt"
	"time"
)

// besideCeiling holds what the bridge uses and carries against the ceiling, while broker, sink and program share the machine.
func besideCeiling(size int, stream bool) func(*bench, context.Context, string) error {
	most := map[bool]map[int]float64{false: {1000: 1.5, 300: 1.7}, true: {1000: 1.4, 300: 1.4}}[stream][size]
	return func(b *bench, ctx context.Context, group string) error {
		l := load{events: b.events, persons: b.persons, size: size, partitions: 4}
		src, err := b.openFilled(ctx, l, stream)
		if err != nil {
			return err
		}
		defer src.close()
		trials := []trial{
			{programs: []program{ceilingProgram{}}, source: src, load: l},
			{programs: []program{b.bridge}, source: src, load: l},
		}
		results, err := b.takeTurns(ctx, group, trials...)
		if err != nil {
			return err
		}
		ceiling, bridge := results[0], results[1]
		b.report.addRow(group, fmt.Sprintf("CPU per event against the ceiling, %s, %d B", src.name(), size),
			fmt.Sprintf("%.2f µs against %.2f µs", bridge.CPUPerMillion, ceiling.CPUPerMillion),
			atMost(bridge.CPUPerMillion/ceiling.CPUPerMillion, most, times))
		b.report.addRow(group, "events/s against the ceiling, all on the same cores",
			fmt.Sprintf("%.0f events/s against %.0f", bridge.EventsPerSecond, ceiling.EventsPerSecond),
			atLeast(100*bridge.EventsPerSecond/ceiling.EventsPerSecond, 70, percent))
		return nil
	}
}

// slowAnswers measures whether all senders are kept busy when each request takes long.
func (b *bench) slowAnswers(ctx context.Context, group string) error {
	const senders, latency = 16, 100 * time.Millisecond
	l := load{events: max(b.events, 5*senders*maxBatchItems), persons: b.persons, size: 1000, partitions: 4}
	src, err := b.openFilled(ctx, l, false)
	if err != nil {
		return err
	}
	defer src.close()
	var runs []result
	for turn := range b.runs + 1 {
		res, log, err := b.run(ctx, trial{programs: []program{b.bridge}, source: src, load: l, sink: sinkOptions{latency: latency}})
		if err != nil {
			return err
		}
		if turn == 0 {
			continue // warms the broker up
		}
		res.Group, res.EventsPerSecond = group, afterFirstWave(log, senders)
		runs = append(runs, res)
	}
	m := b.report.addRuns(runs...)
	possible := senders * m.ItemsPerRequest / m.Fill / latency.Seconds()
	b.report.addRow(group, "events/s with answers after 100 ms, against senders × items ÷ latency",
		fmt.Sprintf("%.0f events/s of %.0f", m.EventsPerSecond, possible), atLeast(100*m.EventsPerSecond/possible, 90, percent))
	return nil
}

// afterFirstWave is the rate from the first wave of requests, one of each sender, until the last full wave. The first requests
// come together without a latency before them, and would count as speed.
func afterFirstWave(log []request, senders int) float64 {
	waves := len(log)/senders - 1
	if waves < 2 {
		return 0
	}
	from, to := senders, waves*senders
	items := 0
	for _, r := range log[from:to] {
		items += r.Items
	}
	return float64(items) / (float64(log[to-1].At-log[from-1].At) / 1e6)
}
