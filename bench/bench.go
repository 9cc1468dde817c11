package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
)

// bench carries a plan out.
type bench struct {
	plan
	bridge   bridgeProgram
	report   *report
	progress io.Writer
	dir      string
	dirs     atomic.Int64
}

// execute measures every row of the plan and prints the report.
func execute(ctx context.Context, p plan, stdout, stderr io.Writer) error {
	dir, err := os.MkdirTemp("", "ciobridge-bench-")
	if err != nil {
		return fmt.Errorf("make a working directory: %w", err)
	}
	defer os.RemoveAll(dir)
	b := &bench{plan: p, report: newReport(&p), progress: stderr, dir: dir}
	if b.bridge, err = buildBridge(ctx, dir); err != nil { // before any clock runs
		return err
	}
	if err := b.measure(ctx); err != nil {
		return err
	}
	if p.output == "json" {
		return b.report.writeJSON(stdout)
	}
	return b.report.writeTable(stdout)
}

func (b *bench) measure(ctx context.Context) error {
	for _, g := range b.groups {
		if err := g.measure(b, ctx, g.name); err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
	}
	return nil
}

// newDir names a directory that nobody has yet.
func (b *bench) newDir() string {
	return filepath.Join(b.dir, strconv.FormatInt(b.dirs.Add(1), 10))
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.progress, format+"\n", args...) }

// source is a broker that holds the events.
type source interface {
	name() string
	fill(ctx context.Context, t *traffic) error
	// settled says how many events the reader of that name has committed.
	settled(ctx context.Context, reader string) (int64, error)
	// awaitMembers waits until so many readers of that name have divided the partitions among themselves.
	awaitMembers(ctx context.Context, reader string, members int) error
	close()
}

// open opens an empty broker: Kafka, or JetStream where stream is true.
func (b *bench) open(ctx context.Context, partitions int, stream bool) (source, error) {
	if stream {
		return openNATS(ctx, b.newDir(), partitions)
	}
	return openKafka(ctx, b.brokers, partitions)
}

// openFilled opens a broker that holds the load.
func (b *bench) openFilled(ctx context.Context, l load, stream bool) (source, error) {
	src, err := b.open(ctx, l.partitions, stream)
	if err != nil {
		return nil, err
	}
	b.say("%s: publishing %d events of %d B", src.name(), l.events, l.size)
	if err := src.fill(ctx, newTraffic(l)); err != nil {
		src.close()
		return nil, fmt.Errorf("publish: %w", err)
	}
	return src, nil
}

// takeTurns runs the trials one after the other, as often as the plan says, so that a machine that slows down slows them all, and
// returns the medians of each. Before that every source is read once: the first read of a broker is several times slower than all
// that follow.
func (b *bench) takeTurns(ctx context.Context, group string, trials ...trial) ([]result, error) {
	runs := make([][]result, len(trials))
	warm := map[source]bool{}
	for turn := range b.runs + 1 {
		for i, t := range trials {
			if turn == 0 && warm[t.source] {
				continue
			}
			warm[t.source] = true
			res, _, err := b.run(ctx, t)
			if err != nil {
				return nil, fmt.Errorf("run %d: %w", turn, err)
			}
			if turn == 0 {
				continue
			}
			b.say("%s: %s, run %d of %d: %.0f events/s, %.2f µs of CPU per event, %.0f MiB", group, res.Program, turn, b.runs,
				res.EventsPerSecond, res.CPUPerMillion, res.PeakRSS/(1<<20))
			res.Group = group
			runs[i] = append(runs[i], res)
		}
	}
	results := make([]result, len(trials))
	for i := range trials {
		results[i] = b.report.addRuns(runs[i]...)
	}
	return results, nil
}
