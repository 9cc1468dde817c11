package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// plan is what the command line asks for.
type plan struct {
	events  int
	persons int
	sizes   []int // bytes of an event
	runs    int
	latency time.Duration
	brokers string // a real Kafka; empty for the in-memory one
	nats    bool
	only    string // run only this program; empty for both
	output  string
	timeout time.Duration
}

func parsePlan(args []string, stderr io.Writer) (plan, error) {
	var p plan
	var sizes string
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.IntVar(&p.events, "events", 400_000, "events in a run")
	fs.IntVar(&p.persons, "persons", 100_000, "persons that the events are about")
	fs.StringVar(&sizes, "size", "1000,300", "`bytes` of an event; several are measured one after the other")
	fs.IntVar(&p.runs, "runs", 3, "runs of each program; the table has their medians")
	fs.DurationVar(&p.latency, "latency", 0, "how long the sink waits before it answers")
	fs.StringVar(&p.brokers, "brokers", "", "comma-separated `addresses` of a real Kafka; without it an in-memory one is started")
	fs.BoolVar(&p.nats, "nats", false, "measure JetStream with a file store in place of Kafka")
	fs.StringVar(&p.only, "only", "", "run only this `program`: ceiling or bridge")
	fs.StringVar(&p.output, "o", "table", "output `format`: table or json")
	fs.DurationVar(&p.timeout, "timeout", 5*time.Minute, "how long one run may take")
	if err := fs.Parse(args); err != nil {
		return plan{}, err
	}
	if fs.NArg() > 0 {
		return plan{}, fmt.Errorf("unexpected argument %q: everything is set by flags, see -h", fs.Arg(0))
	}
	for s := range strings.SplitSeq(sizes, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < minEventSize || n > maxEventSize {
			return plan{}, fmt.Errorf("-size %q: want numbers of bytes from %d to %d, such as 1000,300", sizes, minEventSize, maxEventSize)
		}
		p.sizes = append(p.sizes, n)
	}
	return p, p.validate()
}

func (p *plan) validate() error {
	var errs []error
	if p.events < 1 || p.persons < 1 || p.runs < 1 {
		errs = append(errs, errors.New("-events, -persons and -runs must be at least 1"))
	}
	if p.output != "table" && p.output != "json" {
		errs = append(errs, fmt.Errorf("-o %q: want table or json", p.output))
	}
	if p.only != "" && p.only != programCeiling && p.only != programBridge {
		errs = append(errs, fmt.Errorf("-only %q: want %s or %s", p.only, programCeiling, programBridge))
	}
	if p.nats && p.brokers != "" {
		errs = append(errs, errors.New("-nats and -brokers exclude each other: the JetStream server is always the bench's own"))
	}
	return errors.Join(errs...)
}

// execute runs the plan: for each size a broker is filled once, both programs read it once to warm it up, and then they take
// turns, so that a machine that slows down slows both.
func (p *plan) execute(ctx context.Context, stdout, stderr io.Writer) error {
	dir, err := os.MkdirTemp("", "ciobridge-bench-")
	if err != nil {
		return fmt.Errorf("make a working directory: %w", err)
	}
	defer os.RemoveAll(dir)
	programs, err := p.programs(ctx, dir)
	if err != nil {
		return err
	}
	rep := newReport(p)
	for _, size := range p.sizes {
		if err := p.measure(ctx, filepath.Join(dir, strconv.Itoa(size)), size, programs, rep, stderr); err != nil {
			return fmt.Errorf("%d B events: %w", size, err)
		}
	}
	if p.output == "json" {
		return rep.writeJSON(stdout)
	}
	return rep.writeTable(stdout)
}

// programs lists what is measured, the ceiling first. The bridge is built here, before any clock runs.
func (p *plan) programs(ctx context.Context, dir string) ([]program, error) {
	var programs []program
	if p.only != programBridge {
		programs = append(programs, ceilingProgram{})
	}
	if p.only != programCeiling {
		bridge, err := buildBridge(ctx, dir)
		if err != nil {
			return nil, err
		}
		programs = append(programs, bridge)
	}
	return programs, nil
}

func (p *plan) measure(ctx context.Context, dir string, size int, programs []program, rep *report, stderr io.Writer) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make a working directory: %w", err)
	}
	src, err := p.openSource(ctx, dir)
	if err != nil {
		return err
	}
	defer src.close()
	fmt.Fprintf(stderr, "%s: publishing %d events of %d B\n", src.name(), p.events, size)
	if err := src.fill(ctx, newTraffic(p.events, p.persons, size)); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	for turn := range p.runs + 1 {
		for _, prog := range programs {
			res, err := p.runOnce(ctx, filepath.Join(dir, prog.name()+strconv.Itoa(turn)), prog, src)
			if err != nil {
				return fmt.Errorf("%s, run %d: %w", prog.name(), turn, err)
			}
			res.Size = size
			if turn == 0 {
				continue // the first read of a broker is several times slower than all that follow
			}
			fmt.Fprintf(stderr, "%s %d B, %s, run %d of %d: %.0f events/s, %.2f CPU-seconds per million\n",
				src.name(), size, prog.name(), turn, p.runs, res.EventsPerSecond, res.CPUPerMillion)
			rep.add(res)
		}
	}
	return nil
}

// source is a broker that holds the events.
type source interface {
	name() string
	fill(ctx context.Context, t *traffic) error
	// settled says how many events the reader of that name has committed.
	settled(ctx context.Context, reader string) (int64, error)
	close()
}

func (p *plan) openSource(ctx context.Context, dir string) (source, error) {
	if p.nats {
		return openNATS(ctx, dir)
	}
	return openKafka(ctx, p.brokers)
}
