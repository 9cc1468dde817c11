package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"github.com/ciobridge/ciobridge/bench/sink"
	"github.com/ciobridge/ciobridge/bench/traffic"
)

// A small budget and small requests, so that the rate is what binds and not the machine.
const (
	sharedRate  = 40 // requests a second of all replicas
	sharedItems = 10 // calls in a request
)

// replicas measures whether replicas share the work and, together, keep to the workspace's rate. Each group has a
// broker of its own, and all run at the same time, since none takes much.
func (b *bench) replicas(ctx context.Context, group string) error {
	type sharing struct {
		stream   bool
		replicas int
	}
	all := []sharing{{false, 2}, {false, 4}}
	if b.brokers == "" {
		all = append(all, sharing{true, 2}, sharing{true, 4})
	}
	rows := make([]row, len(all))
	running, ctx := errgroup.WithContext(ctx)
	for i, s := range all {
		running.Go(func() (err error) {
			rows[i], err = b.sharing(ctx, group, s.stream, s.replicas)
			return err
		})
	}
	if err := running.Wait(); err != nil {
		return err
	}
	for _, r := range rows {
		b.report.addRow(group, r.What, r.Figures, r)
	}
	return nil
}

// sharing starts so many replicas, publishes when they have divided the partitions, and looks at the requests of a
// while after a while.
func (b *bench) sharing(ctx context.Context, group string, stream bool, replicas int) (row, error) {
	last := b.settling + b.window + b.settling/2
	l := traffic.Load{Events: int(last.Seconds() * sharedRate * sharedItems), Size: 300, Partitions: 16,
		Scattered: true}
	l.Persons = l.Events
	src, err := b.open(ctx, l.Partitions, stream)
	if err != nil {
		return row{}, err
	}
	defer src.close()
	programs := make([]program, replicas)
	for i := range programs {
		programs[i] = b.bridge.with(fmt.Sprintf("bridge, %d replicas", replicas),
			settings{batchItems: sharedItems, requestsPerSecond: sharedRate, siteID: fmt.Sprintf("replica-%d", i+1)})
	}
	publish := func(ctx context.Context, reader string) error {
		if err := src.awaitMembers(ctx, reader, replicas); err != nil {
			return err
		}
		return src.fill(ctx, traffic.New(l))
	}
	b.say("%s: %s, %d replicas", group, src.name(), replicas)
	res, log, err := b.run(ctx, trial{programs: programs, source: src, load: l, publish: publish})
	if err != nil {
		return row{}, err
	}
	res.Group = group
	b.report.addRuns(res)

	from := log[0].At + b.settling.Microseconds()
	counted := slices.DeleteFunc(slices.Clone(log), func(r sink.Request) bool {
		return r.At < from ||
			r.At >= from+b.window.Microseconds()
	})
	rate := float64(len(counted)) / b.window.Seconds()
	w := atMost(100*math.Abs(rate/sharedRate-1), 2, percent)
	w.What = fmt.Sprintf("%s, %d replicas, 16 partitions: requests/s, off the budget of %d by", src.name(), replicas,
		sharedRate)
	w.Figures = fmt.Sprintf("%.1f requests/s from %s on for %s, of %.1f calls; the events were split %s",
		rate, b.settling, b.window, res.ItemsPerRequest, split(log, replicas))
	return w, nil
}

// split says what part of the items each replica carried.
func split(log []sink.Request, replicas int) string {
	carried, total := map[string]int{}, 0
	for _, r := range log {
		carried[r.From] += r.Items
		total += r.Items
	}
	parts := make([]string, replicas)
	for i := range parts {
		parts[i] = fmt.Sprintf("%.0f %%", 100*float64(carried[fmt.Sprintf("replica-%d", i+1)])/float64(total))
	}
	return strings.Join(parts, ", ")
}

// awaitMembers waits until the consumer group has so many members and each has its partitions.
func (k *kafkaSource) awaitMembers(ctx context.Context, group string, members int) error {
	for {
		res, err := k.client.DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{group}})
		if err == nil && len(res.Groups) == 1 && res.Groups[0].GroupState == "Stable" &&
			len(res.Groups[0].Members) == members {
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the replicas did not join the group: %w", context.Cause(ctx))
		}
	}
}
