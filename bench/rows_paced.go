package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ciobridge/ciobridge/bench/sink"
	"github.com/ciobridge/ciobridge/bench/traffic"
)

// unsteady is how long publishing at a fixed rate goes on before it is looked at. The bridge starts in that time and
// catches up.
const unsteady = 2 * time.Second

// paced publishes at a fixed rate while the bridge runs and returns the requests of the steady part: those that came
// after the beginning and before publishing ended. Every event is about another person, so that only the linger and
// the limits of a request decide what travels together.
func (b *bench) paced(ctx context.Context, group string, rate int, s settings) ([]sink.Request, error) {
	l := traffic.Load{Events: int(float64(rate) * b.pacing.Seconds()), Size: 300, Partitions: 4, Scattered: true,
		Stamped: true}
	l.Persons = l.Events
	src, err := openKafka(ctx, b.brokers, l.Partitions)
	if err != nil {
		return nil, err
	}
	defer src.close()
	label := fmt.Sprintf("bridge at %d/s", rate)
	var from, to int64
	publish := func(ctx context.Context, _ string) error {
		from = time.Now().Add(unsteady).UnixMicro()
		defer func() { to = time.Now().UnixMicro() }()
		return src.pace(ctx, traffic.New(l), float64(rate))
	}
	b.say("%s: publishing %d events/s for %s", group, rate, b.pacing)
	res, log, err := b.run(ctx, trial{programs: []program{b.bridge.with(label, s)}, source: src, load: l,
		publish: publish})
	if err != nil {
		return nil, err
	}
	res.Group = group
	b.report.addRuns(res)
	steady := slices.DeleteFunc(log, func(r sink.Request) bool { return r.At < from || r.At > to })
	if len(steady) == 0 {
		return nil, fmt.Errorf("no request came between %s after the beginning and the end of %s", unsteady, b.pacing)
	}
	return steady, nil
}

// fillAtRates measures how many items requests have at fixed rates, all at the same time, since none of them takes
// much.
func (b *bench) fillAtRates(ctx context.Context, group string) error {
	// No rate divides this linger so that an event comes just when it ends, which would make the best possible a
	// matter of luck.
	const linger = 205 * time.Millisecond
	rates := []int{50, 500, 5000}
	fills := make([]float64, len(rates))
	running, ctx := errgroup.WithContext(ctx)
	for i, rate := range rates {
		running.Go(func() error {
			steady, err := b.paced(ctx, group, rate, settings{linger: linger})
			if err != nil {
				return err
			}
			items := 0
			for _, r := range steady {
				items += r.Items
			}
			fills[i] = float64(items) / float64(len(steady))
			return nil
		})
	}
	if err := running.Wait(); err != nil {
		return err
	}
	for i, rate := range rates {
		best := bestFill(rate, linger)
		b.report.addRow(group, fmt.Sprintf("fill at %d events/s, linger %s, of the best possible", rate, linger),
			fmt.Sprintf("%.1f items of %.0f", fills[i], best), atLeast(100*fills[i]/best, 95, percent))
	}
	return nil
}

// bestFill is the most items that requests can have on average when events come evenly spaced and no call may wait
// for longer than the linger. A request is opened by a call, at which its linger begins, and leaves when that is
// over: with the calls of rate × linger further events, rounded down, or when it is full.
func bestFill(rate int, linger time.Duration) float64 {
	return min(math.Floor(float64(rate)*linger.Seconds())+1, sink.MaxItems)
}

// delay measures how long events are on their way at a low rate, from before each is handed to the producer until the
// request with it has been read by the sink, on the one clock of this machine.
func (b *bench) delay(ctx context.Context, group string) error {
	const rate, linger = 100, 50 * time.Millisecond
	steady, err := b.paced(ctx, group, rate, settings{linger: linger})
	if err != nil {
		return err
	}
	var waits []int64
	for _, r := range steady {
		waits = append(waits, r.Waits...)
	}
	slices.Sort(waits)
	at := func(share float64) float64 { return float64(waits[int(share*float64(len(waits)-1))]) / 1000 }
	most := (linger + 15*time.Millisecond).Seconds() * 1000
	figures := fmt.Sprintf("p50 %.1f ms, p90 %.1f ms, most %.1f ms of %d events", at(0.5), at(0.9), at(1), len(waits))
	b.report.addRow(group, fmt.Sprintf("p99 from publishing to the request, %d events/s, linger %s", rate, linger),
		figures,
		atMost(at(0.99), most, millis))
	return nil
}
