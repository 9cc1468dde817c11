package main

import (
	"context"
	"fmt"
	"time"

	"github.com/ciobridge/ciobridge/bench/sink"
	"github.com/ciobridge/ciobridge/bench/traffic"
)

// besideCeiling holds what the bridge uses and carries against the ceiling, while broker, sink and program share the
// machine. Most is how many times the ceiling's processor time an event may cost. Without a target it is held against
// the bare program as well.
func besideCeiling(size int, stream bool, most float64) func(*bench, context.Context, string) error {
	return func(b *bench, ctx context.Context, group string) error {
		// so that starting does not count
		l := traffic.Load{Events: b.events * 2000 / size, Persons: b.persons, Size: size, Partitions: 4}
		if stream {
			l.Partitions = 0 // one consumer reads it whole
		}
		src, err := b.openFilled(ctx, l, stream)
		if err != nil {
			return err
		}
		defer src.close()
		var trials []trial
		for _, p := range []program{ceilingProgram{}, b.bridge, ceilingProgram{bare: true}} {
			trials = append(trials, trial{programs: []program{p}, source: src, load: l})
		}
		results, err := b.takeTurns(ctx, group, trials...)
		if err != nil {
			return err
		}
		ceiling, bridge, bare := results[0], results[1], results[2]
		b.report.addRow(group, fmt.Sprintf("CPU per event of %d B, against the ceiling", size),
			fmt.Sprintf("%.2f µs against %.2f µs", bridge.CPUPerMillion, ceiling.CPUPerMillion),
			atMost(bridge.CPUPerMillion/ceiling.CPUPerMillion, most, times))
		b.report.addRow(group, "events/s on the same cores, of the ceiling's",
			fmt.Sprintf("%.0f events/s of %.0f", bridge.EventsPerSecond, ceiling.EventsPerSecond),
			atLeast(100*bridge.EventsPerSecond/ceiling.EventsPerSecond, 70, percent))
		b.report.addRow(group, "CPU per event, against the bare program",
			fmt.Sprintf("%.2f µs against %.2f µs, %.0f events/s of %.0f",
				bridge.CPUPerMillion, bare.CPUPerMillion, bridge.EventsPerSecond, bare.EventsPerSecond),
			untargeted(bridge.CPUPerMillion/bare.CPUPerMillion, times))
		return nil
	}
}

// slowAnswers measures whether all senders are kept busy when each request takes long: with every event about another
// person, so that each may leave at once, and with the shop's visits, in which a person's next event waits for the
// answer to the one before.
func (b *bench) slowAnswers(ctx context.Context, group string) error {
	l := traffic.Load{Events: max(b.events, 4*defaultSenders*sink.MaxItems), Persons: b.persons, Size: 1000,
		Partitions: 4}
	visits, err := b.answeredLate(ctx, group, "bridge, visits", l)
	if err != nil {
		return err
	}
	l.Scattered = true
	scattered, err := b.answeredLate(ctx, group, "bridge, person after person", l)
	if err != nil {
		return err
	}
	const what = "events/s with 100 ms answers, of senders × items ÷ latency"
	b.report.addRow(group, what, scattered.Figures, atLeast(scattered.Measured, 90, percent))
	b.report.addRow(group, "the same with persons who come back within 100 ms", visits.Figures,
		untargeted(visits.Measured, percent))
	return nil
}

// defaultSenders is how many requests the bridge has on the wire at most when its configuration does not say.
const defaultSenders = 16

// answeredLate holds the events/s of the bridge against what its senders could carry with full requests.
func (b *bench) answeredLate(ctx context.Context, group, label string, l traffic.Load) (row, error) {
	const latency = 100 * time.Millisecond
	src, err := b.openFilled(ctx, l, false)
	if err != nil {
		return row{}, err
	}
	defer src.close()
	results, err := b.takeTurns(ctx, group, trial{
		programs: []program{b.bridge.with(label, settings{})}, source: src, load: l,
		options: sink.Options{Latency: latency},
		speed:   func(log []sink.Request) float64 { return afterFirstWave(log, defaultSenders) },
	})
	if err != nil {
		return row{}, err
	}
	m := results[0]
	possible := defaultSenders * m.ItemsPerRequest / m.Fill / latency.Seconds()
	return row{
		Measured: 100 * m.EventsPerSecond / possible,
		Figures: fmt.Sprintf("%.0f events/s of %.0f, in requests of %.0f items", m.EventsPerSecond, possible,
			m.ItemsPerRequest),
	}, nil
}

// afterFirstWave is the rate from the first wave of requests, one of each sender, until the last full wave. The first
// requests come together without a latency before them, and would count as speed.
func afterFirstWave(log []sink.Request, senders int) float64 {
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
