package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"

	"github.com/ciobridge/ciobridge/bench/traffic"
)

// bench carries a plan out.
type bench struct {
	plan
	bridge   bridgeProgram
	against  *bridgeProgram // another build, which every measurement of the bridge is repeated with; nil for none
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
	if err := b.buildBridges(ctx); err != nil { // before any clock runs
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

// buildBridges builds the bridge of this checkout, and the one to compare it with where the plan names one.
func (b *bench) buildBridges(ctx context.Context) (err error) {
	if b.bridge, err = buildBridge(ctx, ".", filepath.Join(b.dir, "ciobridge")); err != nil {
		return err
	}
	if b.otherBuild == "" {
		return nil
	}
	other, err := otherBridge(ctx, b.otherBuild, filepath.Join(b.dir, "ciobridge-other"))
	b.against = &other
	return err
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
	fill(ctx context.Context, t *traffic.Traffic) error
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
func (b *bench) openFilled(ctx context.Context, l traffic.Load, stream bool) (source, error) {
	src, err := b.open(ctx, l.Partitions, stream)
	if err != nil {
		return nil, err
	}
	b.say("%s: publishing %d events of %d B", src.name(), l.Events, l.Size)
	if err := src.fill(ctx, traffic.New(l)); err != nil {
		src.close()
		return nil, fmt.Errorf("publish: %w", err)
	}
	return src, nil
}

// takeTurns runs the trials one after the other, as often as the plan says, so that a machine that slows down slows
// them all, and returns the medians of each. Before that every source is read once: the first read of a broker is
// several times slower than all that follow. Where there is another build, it takes its turn after each trial of the
// bridge, and the two are compared in the report.
func (b *bench) takeTurns(ctx context.Context, group string, trials ...trial) ([]result, error) {
	all := b.withOtherBuild(trials)
	runs := make([][]result, len(all))
	warm := map[source]bool{}
	for round := range b.runs + 1 {
		for i, t := range all {
			if round == 0 && warm[t.source] {
				continue
			}
			warm[t.source] = true
			res, log, err := b.run(ctx, t.trial)
			if err != nil {
				return nil, fmt.Errorf("run %d: %w", round, err)
			}
			if round == 0 {
				continue
			}
			if t.speed != nil {
				res.EventsPerSecond = t.speed(log)
			}
			b.say("%s: %s, run %d of %d: %.0f events/s, %.2f µs of CPU per event, %.0f MiB", group, res.Program,
				round, b.runs,
				res.EventsPerSecond, res.CPUPerMillion, res.PeakRSS/(1<<20))
			res.Group = group
			runs[i] = append(runs[i], res)
		}
	}
	return b.mediansOf(all, runs), nil
}

// mediansOf notes the runs of all trials in the report and returns the medians of those of this build.
func (b *bench) mediansOf(all []turn, runs [][]result) []result {
	var results []result
	for i, t := range all {
		m := b.report.addRuns(runs[i]...)
		if t.other {
			b.report.addComparison(results[len(results)-1], m)
			continue
		}
		results = append(results, m)
	}
	return results
}

// once runs a trial a single time, and then with the other build, where there is one.
func (b *bench) once(ctx context.Context, group string, t trial) (result, error) {
	all := b.withOtherBuild([]trial{t})
	runs := make([][]result, len(all))
	for i, t := range all {
		res, _, err := b.run(ctx, t.trial)
		if err != nil {
			return res, err
		}
		res.Group = group
		runs[i] = []result{res}
	}
	return b.mediansOf(all, runs)[0], nil
}
